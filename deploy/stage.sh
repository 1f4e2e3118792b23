#!/bin/bash
# Lay out the installed files of a wheel below a folder, for a package or an image:
#   /usr/lib/blocktap   the wheel with everything it needs, apart from what the machine has for others
#   /usr/bin/blocktap   the command
# Usage: stage.sh WHEEL FOLDER PIP...
# The packages are those for the machine's own /usr/bin/python3, whichever Python runs PIP.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wheel=$1
folder=$2
shift 2

private=$folder/usr/lib/blocktap
python_version=$(/usr/bin/python3 -IS -c 'import sys; print("%d.%d" % sys.version_info[:2])')
install -d "$private" "$folder/usr/bin"
"$@" install --quiet --no-compile --disable-pip-version-check --no-warn-script-location \
    --only-binary :all: --python-version "$python_version" --constraint "$here/constraints.txt" \
    --target "$private" "$wheel"

# What only those need who build or test these packages.
rm -rf "$private"/bin "$private"/include "$private"/share "$private"/pyarrow/include "$private"/pyarrow/includes \
    "$private"/pyarrow/src "$private"/numpy/_core/include "$private"/numpy/_core/lib
find "$private" -type d \( -name tests -o -name test \) -path '*/*/*' -prune -exec rm -rf {} +
find "$private" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.a' -o -name '*.h' \
    -o -name direct_url.json -o -name RECORD -o -name REQUESTED -o -name INSTALLER \) -delete
# Wheels have no symbolic links: of a library that is there under three names, the one that programs ask for stays.
for library in "$private"/pyarrow/*.so.*; do
    name=${library%%.so.*}.so
    for other in "$name" "$library".*; do
        [[ ! -f $other ]] || ! cmp -s "$library" "$other" || rm "$other"
    done
done
find "$private" -type f -name '*.so*' -exec chmod 0644 {} +

install -m 0755 "$here/command.py" "$folder/usr/bin/blocktap"
