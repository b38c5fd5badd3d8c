# syntax=docker/dockerfile:1
# docker build --tag ostiary . && docker run --publish 8080:8080 --volume ostiary:/var/lib/ostiary ostiary

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        pkg-config libssl-dev libxml2-dev libxmlsec1-dev libclang-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist --bin ostiary \
    && cp target/dist/ostiary /usr/local/bin/ostiary

FROM debian:12-slim
RUN apt-get update \
    && apt-get upgrade --yes \
    && apt-get install --yes --no-install-recommends libxmlsec1-openssl libssl3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/ostiary --create-home ostiary
COPY --from=build /usr/local/bin/ostiary /usr/local/bin/ostiary
COPY LICENSE /usr/share/doc/ostiary/LICENSE
USER ostiary
WORKDIR /var/lib/ostiary
VOLUME /var/lib/ostiary
# Inside a container loopback would reach nobody. The embedded database and its key stand in the volume.
ENV OSTIARY_LISTEN=0.0.0.0:8080 \
    OSTIARY_DATABASE_URL=sqlite:///var/lib/ostiary/ostiary.db \
    OSTIARY_LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["ostiary", "healthcheck"]
ENTRYPOINT ["ostiary"]
CMD ["serve"]
