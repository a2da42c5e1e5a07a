# An image of nothing but one static program.
#
#   docker build -t erp-bridge .
#   docker run -p 8080:8080 -v erp-bridge:/data --stop-timeout 30 --log-opt max-size=20m --log-opt max-file=5 \
#       --env-file erp-bridge.env erp-bridge

# Rust on Alpine builds for musl, and links it statically. The version is the rust-version of Cargo.toml.
FROM rust:1.95-alpine AS build
# The C compiler and headers for SQLite, ring and the allocator; everything else is Rust.
# The compiler's version does not show in the binary, and Alpine keeps only the newest.
# hadolint ignore=DL3018
RUN apk add --no-cache gcc musl-dev
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin erp-bridge \
    && mkdir /data

FROM scratch
LABEL org.opencontainers.image.title="ERP Bridge" \
      org.opencontainers.image.description="Signed WeChat-platform events in, exactly-once records in 智邦国际 ERP out" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/target/release/erp-bridge /erp-bridge
# The ledger's folder belongs to the user that the program runs as; a named volume takes this over.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
ENV ERP_BRIDGE__SERVER__LISTEN=0.0.0.0:8080 \
    ERP_BRIDGE__DATABASE__URL=sqlite:///data/erp-bridge.db \
    ERP_BRIDGE__LOG__FORMAT=json
EXPOSE 8080
VOLUME /data
STOPSIGNAL SIGTERM
# There is no shell and no curl in here: the program asks itself whether it can accept events.
HEALTHCHECK --interval=15s --timeout=6s --start-period=20s --retries=3 CMD ["/erp-bridge", "health"]
ENTRYPOINT ["/erp-bridge"]
CMD ["serve"]
