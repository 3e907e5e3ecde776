# docker build -t troika .
# docker run --rm -p 127.0.0.1:8080:8080 -v /srv/models:/models:ro -v troika-state:/var/lib/troika \
#   --read-only --cap-drop ALL --security-opt no-new-privileges troika \
#   serve /models/model.gguf --host 0.0.0.0 --tenants /var/lib/troika/tenants.toml
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/install_packages scripts/packages.txt scripts/
RUN scripts/install_packages build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DBUILD_TESTING=OFF \
  && cmake --build build/release --target troika troika_shared \
  && (cd build/release && cpack -G DEB -B /package)

FROM debian:12-slim
COPY --from=build /package/*.deb /tmp/
RUN apt-get update \
  && apt-get install -y --no-install-recommends /tmp/troika_*.deb ca-certificates \
  && rm -rf /tmp/*.deb /var/lib/apt/lists/* \
  && install -d -o troika -g troika -m 700 /var/lib/troika
USER troika
WORKDIR /var/lib/troika
VOLUME /var/lib/troika
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/troika"]
CMD ["serve", "/usr/share/troika/troika-demo.gguf"]
