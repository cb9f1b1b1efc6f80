# Images are pinned by digest: a tag can be moved to another image. Update both together.
FROM rust:1.95.0-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS build
WORKDIR /build
# Queries are checked against the committed query data, without a database.
ENV SQLX_OFFLINE=true
COPY Cargo.toml Cargo.lock askama.toml ./
COPY .sqlx .sqlx
COPY migrations migrations
COPY src src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --bin latchkey \
    && cp target/release/latchkey /latchkey

# No shell and no package manager, but the certificates of public authorities.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
COPY --from=build /latchkey /usr/local/bin/latchkey
ENV LATCHKEY_PUBLIC_LISTEN=0.0.0.0:8080 \
    LATCHKEY_PRIVATE_LISTEN=0.0.0.0:8081 \
    LATCHKEY_LOG_FORMAT=json
EXPOSE 8080 8081
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/latchkey", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/latchkey"]
CMD ["serve"]
