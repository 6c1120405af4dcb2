#!/bin/sh
# Installs the npm packages that the JSON-RPC tests use, into artifacts/node. Needs node, npm and the package registry.
set -eu
cd "$(dirname "$(realpath "$0")")"
target=../../../artifacts/node
mkdir -p "$target"
cp node/package.json node/package-lock.json "$target"
cd "$target"
npm ci --no-audit --no-fund --ignore-scripts
