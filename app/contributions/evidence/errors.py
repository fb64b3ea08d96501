"""What evidence refuses."""

from app.core.problems import NotFound


class EvidencePhotoNotFound(NotFound):
    """One of the photos is not yours, or no longer there; send it again."""

    title_zh = "照片不存在或不是您上传的，请重新上传"
