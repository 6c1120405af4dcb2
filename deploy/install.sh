#!/bin/sh
# Puts HostMemd where a package would. Nothing is started; what to do next is printed at the end.
#
#   deploy/install.sh [--from DIR] [--ctl DIR] [--prefix DIR] [--sysconfdir DIR]
#                         DIR of --from and --ctl: what `dotnet publish` made of src/HostMemd and src/Ctl; hostmemctl may be missing
#   deploy/install.sh --uninstall [--prefix DIR] [--sysconfdir DIR]      leaves the configuration, the user and the memory alone
#
# DESTDIR in the environment is put in front of every path, for packagers; users, directories and units are then left to the package.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
from=$here/../artifacts/publish/HostMemd/release
ctl=$here/../artifacts/publish/Ctl/release
prefix=/usr
sysconfdir=/etc
action=install
while [ $# -gt 0 ]; do
    case $1 in
    --from) from=$2 && shift 2 ;;
    --ctl) ctl=$2 && shift 2 ;;
    --prefix) prefix=$2 && shift 2 ;;
    --sysconfdir) sysconfdir=$2 && shift 2 ;;
    --uninstall) action=uninstall && shift ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) echo "install.sh: unknown option $1" >&2 && exit 2 ;;
    esac
done

dest=${DESTDIR:-}
program=$prefix/lib/hostmemd
units=$prefix/lib/systemd/system
share=$prefix/share
bash=$share/bash-completion/completions zsh=$share/zsh/vendor-completions fish=$share/fish/vendor_completions.d
# systemd looks for these below /usr/lib and /etc only.
if [ "$prefix" = /usr ]; then fragments=/usr/lib; else fragments=$sysconfdir; fi

# Only on a running system, and only the real one.
live() { [ -z "$dest" ] && [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; }

if [ "$action" = uninstall ]; then
    if live && systemctl --quiet is-active hostmemd.service; then
        echo "install.sh: hostmemd.service runs and owns memory; stop it first: systemctl disable --now hostmemd.service hostmemd.socket hostmemd-jsonrpc.socket" >&2
        exit 1
    fi
    rm -f "$dest$prefix/bin/hostmemd" "$dest$units/hostmemd.service" "$dest$units/hostmemd.socket" \
        "$dest$units/hostmemd-jsonrpc.socket" "$dest$prefix/share/doc/hostmemd/jsonrpc.md" \
        "$dest$fragments/sysusers.d/hostmemd.conf" "$dest$fragments/tmpfiles.d/hostmemd.conf" \
        "$dest$prefix/share/doc/hostmemd/operations.md" "$dest$prefix/share/doc/hostmemd/troubleshooting.md" \
        "$dest$prefix/share/doc/hostmemd/hostmemd.json" \
        "$dest$prefix/bin/hostmemctl" "$dest$bash/hostmemctl" "$dest$zsh/_hostmemctl" "$dest$fish/hostmemctl.fish"
    for page in "$here"/../docs/man/*.[0-9]; do rm -f "$dest$share/man/man${page##*.}/${page##*/}"; done
    rm -rf "$dest$program"
    rmdir "$dest$prefix/share/doc/hostmemd" 2>/dev/null || true
    if live; then systemctl daemon-reload; fi
    echo "removed; $sysconfdir/hostmemd and the user hostmemd are still there"
    exit 0
fi

[ -x "$from/hostmemd" ] || {
    echo "install.sh: no hostmemd in $from: dotnet publish src/HostMemd -c Release" >&2
    exit 1
}

# A new directory takes the old one's place at once: a daemon that is restarted meanwhile finds one version or the other.
install -d -m 755 "$dest$prefix/bin" "$dest$prefix/lib" "$dest$units" "$dest$fragments/sysusers.d" "$dest$fragments/tmpfiles.d" \
    "$dest$sysconfdir/hostmemd" "$dest$prefix/share/doc/hostmemd"
rm -rf "$dest$program.new" "$dest$program.old"
cp -R "$from" "$dest$program.new"
chmod -R u=rwX,go=rX "$dest$program.new"
if [ -d "$dest$program" ]; then mv "$dest$program" "$dest$program.old"; fi
mv "$dest$program.new" "$dest$program"
rm -rf "$dest$program.old"
ln -sfn ../lib/hostmemd/hostmemd "$dest$prefix/bin/hostmemd"

sed "s|^ExecStart=/usr/bin/hostmemd|ExecStart=$prefix/bin/hostmemd|; s|file:///usr/share|file://$prefix/share|" "$here/systemd/hostmemd.service" >"$dest$units/hostmemd.service"
for socket in hostmemd hostmemd-jsonrpc; do
    sed "s|file:///usr/share|file://$prefix/share|" "$here/systemd/$socket.socket" >"$dest$units/$socket.socket"
    chmod 644 "$dest$units/$socket.socket"
done
chmod 644 "$dest$units/hostmemd.service"
install -m 644 "$here/systemd/hostmemd.sysusers" "$dest$fragments/sysusers.d/hostmemd.conf"
install -m 644 "$here/systemd/hostmemd.tmpfiles" "$dest$fragments/tmpfiles.d/hostmemd.conf"
install -m 644 "$here/hostmemd.json" "$dest$prefix/share/doc/hostmemd/hostmemd.json"
for guide in operations troubleshooting jsonrpc; do
    if [ -f "$here/../docs/$guide.md" ]; then
        install -m 644 "$here/../docs/$guide.md" "$dest$prefix/share/doc/hostmemd/$guide.md"
    fi
done
for page in "$here"/../docs/man/*.[0-9]; do
    install -D -m 644 "$page" "$dest$share/man/man${page##*.}/${page##*/}"
done
if [ -x "$ctl/hostmemctl" ]; then
    install -m 755 "$ctl/hostmemctl" "$dest$prefix/bin/hostmemctl"
    install -D -m 644 "$here/../src/Ctl/Completion/hostmemctl.bash" "$dest$bash/hostmemctl"
    install -D -m 644 "$here/../src/Ctl/Completion/hostmemctl.zsh" "$dest$zsh/_hostmemctl"
    install -D -m 644 "$here/../src/Ctl/Completion/hostmemctl.fish" "$dest$fish/hostmemctl.fish"
fi
# An administrator's configuration stays.
if [ ! -e "$dest$sysconfdir/hostmemd/hostmemd.json" ]; then
    install -m 644 "$here/hostmemd.json" "$dest$sysconfdir/hostmemd/hostmemd.json"
fi

if live; then
    systemd-sysusers "$fragments/sysusers.d/hostmemd.conf"
    systemd-tmpfiles --create "$fragments/tmpfiles.d/hostmemd.conf"
    systemctl daemon-reload
    if systemctl --quiet is-active hostmemd.service; then
        echo "installed; the old version runs until: systemctl restart hostmemd.service (the memory stays)"
    else
        echo "installed; now: systemctl enable --now hostmemd.socket hostmemd.service"
    fi
else
    echo "installed below ${dest:-/}"
fi
