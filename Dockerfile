# docker build -t gridpoints .
# docker run -p 8000:8000 -e GRIDPOINTS_DATABASE_URL=… gridpoints

FROM python:3.11-slim-bookworm AS builder
WORKDIR /srv/gridpoints
RUN python -m venv /opt/venv
COPY requirements.lock .
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md alembic.ini ./
COPY migrations migrations
COPY app app
# Editable, so that the service finds migrations/ and alembic.ini beside app/, as in a checkout.
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/python -m compileall -q app migrations

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home gridpoints
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /srv/gridpoints /srv/gridpoints
ENV PATH="/opt/venv/bin:$PATH" PYTHONUNBUFFERED=1
WORKDIR /srv/gridpoints
USER 10001
EXPOSE 8000
HEALTHCHECK --start-period=30s --timeout=5s CMD ["python", "-c", "\
from http.client import HTTPConnection; \
connection = HTTPConnection('127.0.0.1', 8000, timeout=4); \
connection.request('GET', '/livez'); \
raise SystemExit(connection.getresponse().status != 200)"]
ENTRYPOINT ["tini", "--"]
CMD ["gridpoints", "serve", "--host", "0.0.0.0"]
