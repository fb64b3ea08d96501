"""The API's documentation page, with its scripts from the installation: no CDN, works offline."""

from importlib.resources import files

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.core.access import public

ASSETS = "/docs/assets"
router = APIRouter(dependencies=[Depends(public)], include_in_schema=False)


@router.get("/docs")
async def show_documentation() -> HTMLResponse:
    """Show the API with a form for every call."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="GridPoints 网格积分 API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
        swagger_ui_parameters={"persistAuthorization": True, "docExpansion": "none"},
    )


def mount(app: FastAPI) -> None:
    """Attach the page and its assets."""
    app.include_router(router)
    folder = str(files("fastapi_offline") / "static")
    app.mount(ASSETS, StaticFiles(directory=folder), name="documentation assets")
