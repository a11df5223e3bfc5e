# Two images: `assay` (every role, chosen by the command) and `engine` (Temporal server, schema tool, Web UI,
# S3 store), the latter built from the versions in versions.env exactly as `make setup` builds them.
# Used by docker-compose.temporal.yml. Not built where this was written: no container runtime there.

FROM golang:1.26-bookworm AS tools
ENV CGO_ENABLED=0 GOTOOLCHAIN=auto
COPY versions.env /versions.env
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# One module a line, each renamed: two of the programs are called `server` by their makers.
RUN source /versions.env; \
    install_as() { GOBIN=/build go install -trimpath -ldflags='-s -w' "$2"; mkdir -p /tools; mv /build/* "/tools/$1"; }; \
    install_as temporal-server "go.temporal.io/server/cmd/server@$TEMPORAL_SERVER_VERSION"; \
    install_as temporal-sql-tool "go.temporal.io/server/cmd/tools/sql@$TEMPORAL_SERVER_VERSION"; \
    install_as temporal-ui-server "github.com/temporalio/ui-server/v2/cmd/server@$TEMPORAL_UI_VERSION"; \
    install_as versitygw "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION"

FROM debian:bookworm-slim AS base
# curl asks the health pages; the certificates are for outgoing HTTPS (webhooks, OTLP, an external S3).
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/assay assay

FROM base AS engine
COPY --from=tools /tools/ /usr/local/bin/
RUN install -d -o assay -g assay /data
USER assay

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --locked --release -p app --bin assay \
    && cp /target/release/assay /usr/local/bin/assay

FROM base AS assay
RUN apt-get update \
    && apt-get install -y --no-install-recommends tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd libtesseract5 liblept5 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/assay /usr/local/bin/assay
USER assay
ENTRYPOINT ["assay"]
CMD ["--help"]
