# shellcheck shell=bash
# What compose.yaml mounts into Nginx, for a container that is not of the stack.

edge_files=(
  -v "$PWD/nginx.conf:/etc/nginx/nginx.conf:ro"
  -v "$PWD/scripts/nginx.sh:/start.sh:ro"
  -v "$PWD/conf/local/nginx:/etc/nginx/environment:ro"
)
