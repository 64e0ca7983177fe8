# Tally's image: libraries → build → link → app → train → runtime. Nothing is in it but the service, the parts of a Java
# runtime that it uses, and the few libraries and tools that those need; no package manager, no shell but busybox'.
ARG MAVEN_IMAGE=maven:3.9-eclipse-temurin-25
ARG JDK_IMAGE=eclipse-temurin:25-jdk

# libraries: in a stage of their own, made anew only when pom.xml changes.
FROM ${MAVEN_IMAGE} AS libraries
WORKDIR /src
COPY pom.xml .
RUN --mount=type=cache,target=/root/.m2 mvn -B -q dependency:copy-dependencies@lib dependency:copy-dependencies@test-lib

# build: the app jar.
FROM libraries AS build
COPY src/main src/main
ARG REVISION=unknown
# The revision is compiled in, so that a class from a stale cache would give itself away in /health. One time stamp for
# all: the same sources make the same layers.
RUN --mount=type=cache,target=/root/.m2 sed -i "s/REVISION = \"unknown\"/REVISION = \"${REVISION}\"/" src/main/java/tally/frame/config/Version.java && \
    mvn -B -q package -Dmaven.test.skip=true && find target/lib target/tally.jar target/bom.json -exec touch -d 2026-01-01T00:00:00Z {} +

# link: a Java runtime of the modules in use, and the rest of the root file system around it.
FROM ${MAVEN_IMAGE} AS link
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils busybox >/dev/null && rm -rf /var/lib/apt/lists/*
# Without what a service in UTF-8 and English never asks for. The first line is for engines that do not know this form,
# and name it as an unknown instruction.
COPY <<'EOF' /excluded
This-needs-Docker-Engine-25-or-newer
/java.base/java/lang/uniName.dat
regex:/java.base/.*_(de|ja|zh_CN)[.](class|properties)
regex:/java.base/jdk/internal/classfile/impl/ClassPrinter.*
regex:/java.base/sun/nio/cs/(GB|EUC_|Big5|HKSCS|Johab|MS9|SJIS|JIS_X).*
regex:/java.base/sun/security/tools/keytool/Main.*
regex:/java.base/sun/util/resources/(cldr/)?LocaleNames.*
EOF
# java.base for everything; java.management for the pool's and Jackson's beans, and for the uptime in /health.
RUN jlink --add-modules java.base,java.management --strip-debug --no-man-pages --no-header-files --compress=zip-9 \
      --exclude-resources "$(sed 1d /excluded | paste -sd, -)" --output /runtime
# Drop the symbols for a debugger (5 MB), tools, code that sorts millions of numbers, and the domain suffixes for cookies.
RUN find /runtime -type f \( -name '*.so' -o -path '*/bin/*' \) -exec strip --strip-unneeded {} + && cd /runtime && \
    rm bin/keytool lib/jrt-fs.jar lib/jspawnhelper lib/jexec lib/classlist lib/libjsig.so lib/server/libjsig.so \
      lib/libsimdsort.so lib/libsyslookup.so lib/security/public_suffix_list.dat && \
    sed -i '/^#/d; /^$/d' conf/security/java.security && \
    tar --sort=name --mtime=@0 --owner=0 --group=0 -czf legal.tgz legal && rm -r legal
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
# The system's libraries that the runtime's binaries ask for, and the two that glibc loads by name to resolve hosts. The
# runtime's own folders are asked first: an image may name the JDK's to the loader, and then a second libjvm came along.
find /runtime /root-fs/bin/busybox -type f \( -name '*.so' -o -path '*/bin/*' \) \
    -exec env LD_LIBRARY_PATH=/runtime/lib:/runtime/lib/server ldd {} + |
  awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/lib.*ld-linux/ { print $1 }' | grep -v '^/runtime/' | sort -u >/libraries
ldconfig -p | awk '/lib(nss_files|nss_dns|resolv)\.so/ { print $NF }' >>/libraries
if grep -v -E '^(/usr)?/lib(64)?/([^/]*-linux-[^/]*/)?[^/]*$' /libraries; then
  echo "These are not in the folders of the C library, so they are not the system's" >&2
  exit 1
fi
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

# dev: a whole JDK and the libraries, for conf/dev; the sources are mounted, and compiled by Reload at each change. Nothing
# of it gets into the image that is shipped.
FROM ${JDK_IMAGE} AS dev
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static && rm -rf /var/lib/apt/lists/* && \
    ln -s "$(command -v busybox)" /usr/local/bin/wget
COPY --link --from=libraries /src/target/lib /src/target/test-lib/jspecify-*.jar /app/lib/
WORKDIR /app
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=40s --start-interval=1s \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:5000/health"]
# Compiled in a hurry: what is replaced at the next change need not be made fast.
ENTRYPOINT ["/bin/sh", "-c", "exec java ${TALLY_DEBUGGER:+-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5005} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError -cp '/app/lib/*' src/dev/java/tally/dev/Reload.java src \"$@\"", "tally"]

# app: the whole file system but for the cache; the least often changed first, so that a change of code sends one small
# layer.
FROM scratch AS app
COPY --link --from=link /root-fs /
COPY --link --from=link /runtime /runtime
WORKDIR /app
COPY --link conf/java.options /app/java.options
COPY --link --from=build /src/target/lib /app/lib
# The list of those libraries, for scanners (CycloneDX).
COPY --link --from=build /src/target/bom.json /app/bom.json
COPY --link --from=build /src/target/tally.jar /app/tally.jar

# train: the service does its work once, on real requests and a real Redis, and what Java loaded and linked for it is
# written down (JEP 483, 514; the profiles of JEP 515 are left out, see java.options). With the very runtime, paths, jars
# and flags of the image, or it would not be used. Nothing of this stage but that file goes further.
FROM ${MAVEN_IMAGE} AS train
COPY --from=link /runtime /runtime
COPY --from=app /app /app
# A real Redis, which a library of the tests brings along.
COPY --from=build /src/target/test-lib /test-lib
COPY scripts/train.sh /train.sh
RUN cd /tmp && jar xf /test-lib/embedded-redis-*.jar && /train.sh /tmp /app/tally.aot

# runtime: what is shipped.
FROM app AS runtime
COPY --link --from=train /app/tally.aot /app/tally.aot
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
# Asked each second while it starts. It stands here, since compose.yaml with start_interval is refused by Podman and old
# engines; where the engine knows it, it holds beside what compose.yaml says. To build this: Docker Engine 25 or newer.
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=40s --start-interval=1s \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:5000/health"]
ENTRYPOINT ["/runtime/bin/java", "@/app/java.options", "-XX:AOTCache=/app/tally.aot", "-jar", "/app/tally.jar"]
