#!/bin/sh
# Slurm on this machine alone, for a test: a controller and one node, with keys, sockets, logs and state in one folder.
#
#   slurm-here.sh start FOLDER     brings it up; then `export SLURM_CONF=FOLDER/slurm.conf` and use sbatch as usual
#   slurm-here.sh stop FOLDER      ends what was started there, and nothing else
#
# Wants root, and the packages slurm-wlm and munge. It is no way to run Slurm for anything but tests.
set -eu

command=${1:?start or stop}
folder=${2:?a folder}

# The process of a daemon that wrote its number to a file.
end() {
    [ -s "$1" ] && kill "$(cat "$1")" 2>/dev/null || true
}

case $command in
stop)
    end "$folder/slurmd.pid"
    end "$folder/slurmctld.pid"
    end "$folder/munged.pid"
    exit 0
    ;;
start) ;;
*)
    echo "slurm-here.sh: $command: expected start or stop" >&2
    exit 2
    ;;
esac

mkdir -p "$folder/state" "$folder/spool"
chmod 755 "$folder"
folder=$(cd "$folder" && pwd)
# Two ports that nobody listens on, by the number of this process.
port=$((20000 + $$ % 20000))
host=$(hostname -s)

dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 2>/dev/null
chmod 600 "$folder/munge.key"
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"

cat >"$folder/slurm.conf" <<CONF
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=here Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$folder/slurm.conf"
slurmctld
slurmd -N "$host"

tries=0
until sinfo -h -o %T 2>/dev/null | grep -q '^idle'; do
    tries=$((tries + 1))
    if [ $tries -gt 60 ]; then
        echo "slurm-here.sh: the node is not idle after 60 seconds" >&2
        tail -n 20 "$folder"/*.log >&2
        exit 1
    fi
    sleep 1
done
echo "$SLURM_CONF"
