#!/bin/sh
# Sets up SLURM on this machine alone, to test against: one node, accounting in a MariaDB, a partition whose jobs are
# queued again when preempted. Debian packages, root. It replaces the configuration of any SLURM that is here already.
set -eu

apt-get update --quiet
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    mariadb-server munge slurm-wlm slurmdbd

node=$(hostname -s)
mkdir -p /etc/slurm /var/spool/slurmctld /var/spool/slurmd /run/munge /run/mysqld /var/log/slurm
chown munge: /run/munge && chown mysql: /run/mysqld

cat > /etc/slurm/slurmdbd.conf <<CONF
AuthType=auth/munge
DbdHost=localhost
SlurmUser=root
LogFile=/var/log/slurm/slurmdbd.log
PidFile=/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_accounting
CONF
chmod 600 /etc/slurm/slurmdbd.conf

cat > /etc/slurm/slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$node
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
JobAcctGatherType=jobacct_gather/linux
NodeName=$node CPUs=$(nproc) RealMemory=4000 State=UNKNOWN
PartitionName=test Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF

pgrep -x munged > /dev/null || runuser -u munge -- munged
pgrep -x mariadbd > /dev/null || (mariadbd-safe --user=mysql > /dev/null 2>&1 &)
until mariadb-admin ping > /dev/null 2>&1; do sleep 1; done
mariadb -e "CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_accounting.* TO slurm@localhost"
pgrep -x slurmdbd > /dev/null || slurmdbd
until sacctmgr --noheader list cluster > /dev/null 2>&1; do sleep 1; done
sacctmgr --immediate add cluster one > /dev/null || true
pgrep -x slurmctld > /dev/null || slurmctld
pgrep -x slurmd > /dev/null || slurmd
until sinfo --noheader --format=%t | grep -q idle; do sleep 1; done
sinfo
