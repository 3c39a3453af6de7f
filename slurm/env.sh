# Sourced by the sbatch scripts beside it: the site's environment, and how a job does a task of a stage.
# A run keeps this file with its code. Change it before `python -m launch --prepare`; for a run that is there, in RUN/code/slurm.

# What must be loaded before Python starts, such as:
# module load cuda

PYTHON=${PYTHON:-$SLURM_SUBMIT_DIR/.venv/bin/python}  # of the clone that you submit from, unless PYTHON names another

# run_stage RUN STAGE SHARD…: every task of the job runs it, from the run's own code. What is done already is not done again.
run_stage() {
    local run stage=$2 id=$SLURM_JOB_ID status=0
    run=$(realpath "$1")
    shift 2
    cd "$run/code"
    export PYTHONPATH="$run/code${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
    export STEPBATCH_STARTED=$(date +%s)  # tells this start of the job from one that a killed slurmctld has forgotten
    export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OMP_WAIT_POLICY=passive
    # srun does not take --cpus-per-task over from sbatch. Once a rank has ended, the others have a minute to end too:
    # long enough to finish a checkpoint, and no rank waits for ever for one that failed.
    srun --cpus-per-task="$OMP_NUM_THREADS" --wait=60 "$PYTHON" -m launch stage "$run" "$stage" --shard "$@" || status=$?
    # Out of time or preempted, Slurm sent USR2 (--signal): what trains has saved, and ended by it. 140 is 128 + USR2.
    # An array's task goes by its own number: its bare job id may mean the whole array.
    [ -z "${SLURM_ARRAY_TASK_ID:-}" ] || id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    [ "$status" != 140 ] || scontrol requeue "$id" || echo "could not requeue job $id: submit it again" >&2
    return "$status"
}
