# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
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
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /latchkey /usr/local/bin/latchkey
ENV LATCHKEY_PUBLIC_LISTEN=0.0.0.0:8080 \
    LATCHKEY_PRIVATE_LISTEN=0.0.0.0:8081 \
    LATCHKEY_LOG_FORMAT=json
EXPOSE 8080 8081
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/latchkey", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/latchkey"]
CMD ["serve"]
