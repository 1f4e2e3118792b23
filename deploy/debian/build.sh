#!/bin/bash
# Build the Debian package of a wheel. Nothing of it is specific to the machine but its architecture and its Python.
# Usage: build.sh WHEEL FOLDER PIP...     (the package goes to FOLDER)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deploy=$(dirname "$here")
source=$(dirname "$deploy")
wheel=$1
destination=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
umask 022

version=$(basename "$wheel" | cut -d- -f2)
changes=$(sed -n '1s/^blocktap (\(.*\)) .*/\1/p' "$here/changelog")
if [[ $version != "$changes" ]]; then
    echo "deploy/debian/changelog ends at $changes, the wheel is $version: say what changed" >&2
    exit 1
fi

"$deploy/stage.sh" "$wheel" "$root" "$@"

documents=$root/usr/share/doc/blocktap
install -d "$documents/prometheus" "$documents/grafana" "$root/lib/systemd/system" "$root/DEBIAN"
install -d -m 0755 "$root/etc/blocktap"
install -m 0644 "$deploy/blocktap.toml" "$source/rules/blocks.toml" "$root/etc/blocktap/"
install -m 0644 "$deploy/systemd/blocktap.service" "$root/lib/systemd/system/"
install -m 0644 "$deploy/systemd/blocktap-setup.conf" "$source/README.md" "$source"/docs/*.md "$documents/"
install -m 0644 "$deploy"/prometheus/*.yml "$documents/prometheus/"
install -m 0644 "$deploy"/grafana/*.json "$documents/grafana/"
install -m 0644 "$here/copyright" "$documents/copyright"
gzip -9n <"$here/changelog" >"$documents/changelog.gz"
gzip -9n <"$source/CHANGELOG.md" >"$documents/CHANGELOG.md.gz"
for metadata in "$root"/usr/lib/blocktap/*.dist-info/METADATA; do
    sed -n '/^$/q; s/^Name: //p; s/^Version: //p' "$metadata" | paste -sd ' '
done | sort >"$documents/packages.txt"
install -D -m 0644 "$here/lintian-overrides" "$root/usr/share/lintian/overrides/blocktap"

# The libraries of the machine that the compiled parts want; those the packages brought along are not among them.
install -d "$work/debian"
printf 'Source: blocktap\n\nPackage: blocktap\nArchitecture: any\n' >"$work/debian/control"
mapfile -t libraries < <(find "$root/usr/lib/blocktap" -type f -name '*.so*')
mapfile -t folders < <(find "$root/usr/lib/blocktap" -type f -name '*.so*' -printf '-l%h\n' | sort -u)
(cd "$work" && dpkg-shlibdeps --warnings=0 --ignore-missing-info "${folders[@]}" -O "${libraries[@]}") \
    >"$work/substvars"

fill() {
    local python next
    python=$(/usr/bin/python3 -IS -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    next=${python%.*}.$((${python#*.} + 1))
    sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$(dpkg --print-architecture)/" \
        -e "s/@INSTALLED_SIZE@/$(du -sk --exclude DEBIAN "$root" | cut -f1)/" \
        -e "s/@PYTHON@/$python/" -e "s/@NEXT_PYTHON@/$next/" \
        -e "s/@LIBRARIES@/$(sed -n 's/^shlibs:Depends=//p' "$work/substvars")/" "$here/control.in"
}
fill >"$root/DEBIAN/control"
for script in postinst prerm postrm; do
    install -m 0755 "$here/$script" "$root/DEBIAN/"
done
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
    >"$root/DEBIAN/md5sums"
find "$root" -type d -exec chmod 0755 {} +

install -d "$destination"
# -z2: a minute instead of six, for a tenth more.
read -ra compression <<<"${COMPRESSION:--Zxz -z2}"
dpkg-deb "${compression[@]}" --build --root-owner-group "$root" "$destination" >/dev/null
echo "$destination/blocktap_${version}_$(dpkg --print-architecture).deb"
