#!/usr/bin/env bash
# Records real clients that talk to real servers over a pair of virtual interfaces, for captures/recorded-*.pcap.
#
# Run as root: tests/golden/record.sh FOLDER [PYTHON]. Needs ip, tcpdump, curl, openssl, dig, and a PYTHON that has
# aioquic. The committed captures are one run of it; another run differs in times, ports and random numbers only.
set -euo pipefail

folder=$(realpath "${1:?the folder to write to}")
python=${2:-python3}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
client=192.0.2.10
server=198.51.100.20
children=()

cleanup() {
	for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
	ip netns del blocktap-client 2>/dev/null || true
	ip netns del blocktap-server 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

# Two hosts and the wire between them.
ip netns add blocktap-client
ip netns add blocktap-server
ip link add wire-client netns blocktap-client address 02:00:00:00:00:01 type veth \
	peer name wire-server netns blocktap-server address 02:00:00:00:00:02
ip -n blocktap-client address add $client/24 dev wire-client
ip -n blocktap-server address add $server/24 dev wire-server
for end in client server; do
	ip -n blocktap-$end link set lo up
	ip -n blocktap-$end link set wire-$end up
	# Segments as they are on a wire, not as a kernel hands them to itself.
	ip netns exec blocktap-$end "$python" "$here/record_servers.py" offloads wire-$end
done
ip -n blocktap-client route add $server/32 dev wire-client
ip -n blocktap-server route add $client/32 dev wire-server

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=recorded.example \
	-keyout "$work/key.pem" -out "$work/cert.pem" 2>"$work/openssl.log"

serve() {
	ip netns exec blocktap-server "$@" >>"$work/server.log" 2>&1 &
	children+=($!)
}

# record NAME COMMAND...: what goes over the wire while the command runs at the client.
record() {
	local capture="$folder/recorded-$1.pcap"
	shift
	: >"$work/tcpdump.log"
	ip netns exec blocktap-server tcpdump -Z root -i wire-server -w "$capture" --immediate-mode \
		--time-stamp-precision=nano ip 2>"$work/tcpdump.log" &
	local recorder=$!
	until grep -q 'listening on' "$work/tcpdump.log"; do sleep 0.1; done
	ip netns exec blocktap-client "$@" >"$work/client.log" 2>&1 || { cat "$work/client.log" >&2; exit 1; }
	sleep 0.5
	kill -TERM $recorder
	wait $recorder
}

serve openssl s_server -quiet -accept 443 -cert "$work/cert.pem" -key "$work/key.pem" -www
serve "$python" "$here/record_servers.py" http 80
serve "$python" "$here/record_servers.py" dns 53 $server
serve "$python" "$here/record_servers.py" quic 443 "$work/cert.pem" "$work/key.pem"
sleep 1

record curl-tls curl -sk --tlsv1.3 --resolve tls.recorded.example:443:$server https://tls.recorded.example/
record curl-tls12 curl -sk --tls-max 1.2 --resolve old.recorded.example:443:$server https://old.recorded.example/
record curl-http curl -s -H 'Host: one.recorded.example' http://$server/ \
	--next -s -H 'Host: Two.Recorded.example:80' http://$server/ \
	--next -s -H 'Host: one.recorded.example' http://$server/again
record dig-udp dig +tries=1 +time=2 @$server udp.recorded.example A
record dig-tcp dig +tries=1 +time=2 +tcp @$server tcp.recorded.example A other.recorded.example AAAA
record aioquic "$python" "$here/record_servers.py" quic-client $server 443 quic.recorded.example
record resolve-connect "$python" "$here/record_servers.py" resolve-connect $server joined.recorded.example
