#!/bin/bash
# Become a throw-away copy of this machine: its files below an overlay in memory, its own processes and network.
# Run in new namespaces by machine.py. Usage: machine.sh SCRATCH READY FOLDER...
# The folders are there as they are: not copied, and written to in truth.
set -euo pipefail
scratch=$1
ready=$2
shift 2

mount -t tmpfs -o mode=0755 tmpfs "$scratch"
root=$scratch/root
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
for folder in "$@"; do
    mkdir -p "$root$folder"
    mount --rbind "$folder" "$root$folder"
done
# What was changed can be listed from inside.
mkdir "$root/run/changed"
mount --bind "$scratch/upper" "$root/run/changed"
cd "$root"
pivot_root . .
umount -l .
ip link set lo up
touch "$ready"
exec sleep infinity
