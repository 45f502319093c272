# One node of Slurm for a test, to be sourced: controller, node and munge as processes of this shell, all
# files in a folder of its own, ports of the loopback only. Neither root nor systemd nor cgroups nor names
# in /etc/hosts are needed. The node says that it has two cores, whatever it has.
#
#   slurm_start FOLDER     exports SLURM_CONF; FOLDER is new, its path shorter than 80 characters, its name slurm
#   slurm_node_dies        as by power failure: the node's daemon and all that runs there, at once
#   slurm_node_returns     it reports, and has nothing of what it was given
#   slurm_stop             also half-started, and twice
#   slurm_guard FOLDER     before all that: should this shell be killed, ends what is left and removes FOLDER
#   slurm_unguard          after all that
#
# Who calls slurm_start has slurm_stop in a trap. Nothing is ended but what was started here, by process
# ids that were kept, or that Slurm tells of its own jobs.
# shellcheck shell=bash

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
slurm_folder='' slurm_munge='' slurm_controller='' slurm_node='' slurm_died=0 slurm_guard=''

# Says what is wrong, with what the daemons said last.
slurm_fail() {
    local log
    echo "slurm: $*" >&2
    for log in "$slurm_folder"/log/*; do
        [[ ! -s $log ]] || { echo "--- the end of ${log##*/}" >&2 && tail -n 15 "$log" >&2; }
    done
}

# Polls, because no part of Slurm tells when it is ready.
slurm_until() { # SECONDS WHAT COMMAND...: waits until the command succeeds
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if ((SECONDS >= end)); then
            slurm_fail "waited in vain until $what"
            return 1
        fi
        sleep 0.05
    done
}

slurm_free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000)) # below those that the system gives to clients
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

slurm_is_alive() { kill -0 "$1" 2>/dev/null; }
slurm_is_gone() { # PID..., which may be children of a first process that does not look after them
    local id
    for id; do
        [[ ! -e /proc/$id || $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$id/status" 2>/dev/null) == [ZX] ]] || return
    done
}
slurm_is_idle() { [[ $(sinfo -h -o %T 2>/dev/null) == idle ]]; }
slurm_has_ended_or_is_idle() {
    ! slurm_is_alive "$slurm_controller" || ! slurm_is_alive "$slurm_node" || slurm_is_idle
}
slurm_queue_is_empty() { [[ -z $(squeue -h 2>/dev/null) ]]; }

# A node that returns without a job is believed when the job is BatchStartTimeout + MessageTimeout old; the
# job may start again after cred_expire.
slurm_configure() {
    local host user
    host=$(uname -n) user=$(id -un)
    host=${host%%.*}
    # The node wants to know of cgroups though nothing here uses them. This kind need not be there.
    echo CgroupPlugin=cgroup/v1 >"$slurm_folder/cgroup.conf"
    cat >"$slurm_folder/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(slurm_free_port)
SlurmdPort=$(slurm_free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$slurm_folder/munge/socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,sched_min_interval=0
StateSaveLocation=$slurm_folder/state
SlurmdSpoolDir=$slurm_folder/spool
SlurmctldPidFile=$slurm_folder/controller.pid
SlurmdPidFile=$slurm_folder/node.pid
SlurmctldLogFile=$slurm_folder/log/controller
SlurmdLogFile=$slurm_folder/log/node
SlurmdParameters=config_overrides
ReturnToService=2
BatchStartTimeout=1
MessageTimeout=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

# The daemons die with this shell, should a signal leave it no time for slurm_stop; what ends its process
# group leaves them to it.
slurm_daemon() { # LOG COMMAND...; its process id is $! then
    local log=$slurm_folder/log/$1
    shift
    set -m
    setpriv --pdeathsig KILL "$@" </dev/null >>"$log" 2>&1 &
    set +m
}
slurm_start_munge() {
    head -c 1024 /dev/urandom >"$slurm_folder/munge/key"
    chmod 400 "$slurm_folder/munge/key"
    slurm_daemon munge munged --foreground --force --key-file="$slurm_folder/munge/key" \
        --socket="$slurm_folder/munge/socket" --pid-file="$slurm_folder/munge/pid" \
        --log-file="$slurm_folder/munge/log" --seed-file="$slurm_folder/munge/seed"
    slurm_munge=$!
    slurm_until 20 'munge listens' test -S "$slurm_folder/munge/socket"
}
slurm_start_controller() {
    slurm_daemon controller.out slurmctld -D -c
    slurm_controller=$!
}
slurm_start_node() {
    slurm_daemon node.out slurmd -D
    slurm_node=$!
}

slurm_end() { # PID...: TERM, and KILL for what takes more than ten seconds
    local id end=$((SECONDS + 10))
    for id; do kill "$id" 2>/dev/null; done
    for id; do
        while slurm_is_alive "$id" && ((SECONDS < end)); do sleep 0.05; done
        kill -KILL "$id" 2>/dev/null
        wait "$id" 2>/dev/null
    done
    return 0
}

# First those that run jobs, which would report their end: they are known by their sockets in the node's
# folder, even when their job is over. Then what the jobs themselves consist of.
slurm_job_processes() {
    local inode sockets=()
    while read -r inode; do sockets+=(-o -lname "socket:\\[$inode\\]"); done \
        < <(awk -v folder="$slurm_folder/spool/" 'index($8, folder) == 1 { print $7 }' /proc/net/unix)
    if ((${#sockets[@]})); then
        find /proc/[0-9]*/fd "${sockets[@]:1}" 2>/dev/null | cut -d/ -f3 | sort -u
    fi
    scontrol listpids 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'
}
slurm_kill_jobs() {
    local processes id
    mapfile -t processes < <(slurm_job_processes)
    for id in "${processes[@]}"; do kill -KILL "$id" 2>/dev/null; done
    slurm_until 20 'the processes of jobs are gone' slurm_is_gone "${processes[@]}"
}

slurm_start() { # FOLDER
    local program attempt
    slurm_folder=$1
    for program in munged slurmctld slurmd sbatch scontrol setpriv; do
        if ! command -v "$program" >/dev/null; then
            slurm_fail "there is no $program; \`make test\` installs it"
            return 1
        fi
    done
    mkdir -p "$slurm_folder"/{log,munge,spool,state}
    chmod 711 "$slurm_folder" "$slurm_folder/munge"
    export SLURM_CONF=$slurm_folder/slurm.conf
    slurm_start_munge || return
    for attempt in 1 2 3 4 5; do
        slurm_configure # with other ports: somebody else may have taken one just now
        slurm_start_controller
        slurm_start_node
        slurm_until 30 'the node is idle' slurm_has_ended_or_is_idle || return
        if slurm_is_alive "$slurm_controller" && slurm_is_alive "$slurm_node" && slurm_is_idle; then
            return 0
        fi
        slurm_end "$slurm_controller" "$slurm_node"
    done
    slurm_fail "a daemon ended at once, $attempt times"
    return 1
}

slurm_node_dies() {
    kill -KILL "$slurm_node"
    wait "$slurm_node" 2>/dev/null
    slurm_died=$SECONDS
    slurm_kill_jobs
}

slurm_node_returns() { # not before its jobs are old enough to be missed
    while ((SECONDS < slurm_died + 8)); do sleep 0.1; done
    slurm_start_node
}

slurm_stop() {
    if [[ -n $slurm_controller ]] && slurm_is_alive "$slurm_controller" && slurm_is_alive "$slurm_node"; then
        scancel --me --signal=KILL --full 2>/dev/null
        scancel --me 2>/dev/null
        slurm_until 10 'no job is left' slurm_queue_is_empty
    fi
    # shellcheck disable=SC2086 # those that were not started are no words
    slurm_end $slurm_controller $slurm_node
    [[ -z $slurm_controller ]] || slurm_kill_jobs
    # shellcheck disable=SC2086
    slurm_end $slurm_munge
    slurm_munge='' slurm_controller='' slurm_node=''
}

# The daemons die with this shell; not so what they started, and files. In a process group of its own, so
# that what ends this one does not end it too.
slurm_guard() { # FOLDER
    set -m
    (
        while slurm_is_alive $$; do sleep 0.5; done
        slurm_folder=$1/slurm
        export SLURM_CONF=$slurm_folder/slurm.conf
        for _ in 1 2 3; do
            slurm_kill_jobs
            sleep 0.5
        done
        rm -rf "$1"
    ) </dev/null >/dev/null 2>&1 &
    slurm_guard=$!
    set +m
}
slurm_unguard() {
    kill "$slurm_guard" 2>/dev/null
    wait "$slurm_guard" 2>/dev/null
}
