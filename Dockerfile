# Tally's image: build → link → runtime. Nothing is in it but the service, the parts of a Java runtime that it
# uses, and the few libraries and tools that those need; no package manager, no shell but busybox'.
ARG MAVEN_IMAGE=maven:3.9-eclipse-temurin-25

# build: the app jar and its libraries.
FROM ${MAVEN_IMAGE} AS build
WORKDIR /src
COPY pom.xml .
# The libraries in a layer of their own: made anew only when pom.xml changes.
RUN --mount=type=cache,target=/root/.m2 mvn -B -q dependency:copy-dependencies@lib
COPY src/main src/main
RUN --mount=type=cache,target=/root/.m2 mvn -B -q package -Dmaven.test.skip=true

# link: a Java runtime of the modules in use, and the rest of the root file system around it.
FROM ${MAVEN_IMAGE} AS link
# java.base for everything; java.management for the pool's and Jackson's beans, and for the uptime in /health.
RUN jlink --add-modules java.base,java.management --strip-debug --no-man-pages --no-header-files --compress=zip-9 \
      --output /runtime && rm -f /runtime/lib/jrt-fs.jar /runtime/lib/jspawnhelper /runtime/bin/keytool
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static && rm -rf /var/lib/apt/lists/*
RUN <<'EOF'
set -eu
mkdir -p /root-fs/bin /root-fs/etc /root-fs/tmp /root-fs/var/lib/dpkg/status.d
chmod 1777 /root-fs/tmp
cp "$(command -v busybox)" /root-fs/bin/busybox
for tool in sh id ls cat ps env wget nslookup; do ln -s busybox "/root-fs/bin/$tool"; done
echo 'tally:x:10001:10001:Tally:/:/bin/sh' >/root-fs/etc/passwd
echo 'tally:x:10001:' >/root-fs/etc/group
echo 'hosts: files dns' >/root-fs/etc/nsswitch.conf
cp /etc/os-release /root-fs/etc/os-release
# The system's libraries that the runtime's binaries ask for, and the two that glibc loads by name to resolve hosts.
find /runtime -type f \( -name '*.so' -o -path '*/bin/*' \) -exec ldd {} + |
  awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/lib.*ld-linux/ { print $1 }' | grep -v '^/runtime/' | sort -u >/libraries
ldconfig -p | awk '/lib(nss_files|nss_dns|resolv)\.so/ { print $NF }' >>/libraries
sort -u /libraries | while read -r library; do
  install -D -m 0755 "$(readlink -f "$library")" "/root-fs$library"
done
# What a scanner reads to know which packages these files are of.
{ cat /libraries; command -v busybox; } | sort -u | while read -r file; do
  for name in "$file" "$(readlink -f "$file")" "/usr$file"; do dpkg -S "$name" 2>/dev/null; done | grep -v "^diversion" | head -n 1
done | cut -d: -f1 | sort -u | while read -r package; do
  dpkg -s "$package" >"/root-fs/var/lib/dpkg/status.d/$package"
done
EOF

# runtime: the least often changed first, so that a change of code sends one small layer.
FROM scratch AS runtime
COPY --link --from=link /root-fs /
COPY --link --from=link /runtime /runtime
WORKDIR /app
COPY --link --from=build /src/target/lib /app/lib
COPY --link --from=build /src/target/tally.jar /app/tally.jar
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tally" \
      org.opencontainers.image.description="A self-hosted visit counter" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/runtime/bin:/bin LANG=C.UTF-8
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=40s --start-interval=1s \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:5000/health"]
# Serial GC: the smallest footprint on the half core and 512 MB that a replica gets. The heap leaves room for threads,
# code and buffers, and a process that ran out of it is better started anew.
ENTRYPOINT ["/runtime/bin/java", "-XX:+UseSerialGC", "-XX:MaxRAMPercentage=60", "-XX:+ExitOnOutOfMemoryError", "-jar", "/app/tally.jar"]
