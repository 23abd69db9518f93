#!/usr/bin/env bash
# prepare.sh HOME LOG4J: does once per version what would otherwise cost seconds at every start: formats a storage
# folder that each new broker copies, and archives the classes that a broker and a Connect worker load (Java's class
# data sharing). The archives are only a matter of speed: without them everything starts all the same.
set -euo pipefail

home=$1
log4j=$2
work=$(mktemp -d)
port=$((20000 + RANDOM % 11000))
java=(java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=file:$log4j")
running=()

finish() {
    for pid in "${running[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

# until_logged PID FILE TEXT: false when the process ends, or a minute passes, before it says TEXT.
until_logged() {
    for _ in $(seq 600); do
        ! grep -q "$3" "$2" || return 0
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

cat >"$work/server.properties" <<EOF
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$((port + 1))
log.dirs=$work/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
EOF

"${java[@]}" -cp "$home/libs/*" kafka.tools.StorageTool format -t bWlsbHN0cmVhbS10ZXN0cw -c "$work/server.properties" >/dev/null
rm -rf "$home/formatted"
cp -r "$work/data" "$home/formatted"

"${java[@]}" -XX:ArchiveClassesAtExit="$work/broker.jsa" -cp "$home/libs/*" kafka.Kafka "$work/server.properties" >"$work/broker.log" 2>&1 &
broker=$!
running+=("$broker")
until_logged "$broker" "$work/broker.log" 'Kafka Server started' || exit 0

cat >"$work/connect.properties" <<EOF
bootstrap.servers=127.0.0.1:$port
group.id=prepare
config.storage.topic=prepare-configs
offset.storage.topic=prepare-offsets
status.storage.topic=prepare-statuses
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
listeners=http://127.0.0.1:$((port + 2))
plugin.path=$home/plugins
plugin.discovery=hybrid_warn
EOF
"${java[@]}" -XX:ArchiveClassesAtExit="$work/connect.jsa" -cp "$home/libs/*" \
    org.apache.kafka.connect.cli.ConnectDistributed "$work/connect.properties" >"$work/connect.log" 2>&1 &
connect=$!
running+=("$connect")
if until_logged "$connect" "$work/connect.log" 'Finished starting connectors and tasks'; then
    kill -TERM "$connect"
    wait "$connect" || true
fi
kill -TERM "$broker"
wait "$broker" || true
for archive in broker connect; do
    if [ -e "$work/$archive.jsa" ]; then mv "$work/$archive.jsa" "$home/$archive.jsa"; fi
done
running=()
