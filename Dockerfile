# One image for every process: `creditpulse worker`, `archive`, `topics create`, ... say which as the command.
FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/creditpulse
WORKDIR /src
# The lock is the whole closure with hashes: nothing is resolved here, and this layer changes only with the lock.
COPY requirements.lock ./
RUN /opt/creditpulse/bin/pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml LICENSE ./
COPY schemas ./schemas
COPY models ./models
COPY streams ./streams
COPY alerts ./alerts
COPY desk ./desk
RUN /opt/creditpulse/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-trixie
LABEL org.opencontainers.image.title="creditpulse" \
      org.opencontainers.image.description="Event-driven credit monitor" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data creditpulse \
    && install -d -o creditpulse -g creditpulse -m 0750 /data
COPY --from=build /opt/creditpulse /opt/creditpulse
ENV PATH=/opt/creditpulse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CREDITPULSE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
# For a worker; docker-compose.yml has one for each service. /health answers 503 when the process is not well.
HEALTHCHECK --interval=15s --timeout=6s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('CREDITPULSE_WEB_PORT', '6066') + '/health', timeout=5)"]
ENTRYPOINT ["creditpulse"]
CMD ["worker"]
