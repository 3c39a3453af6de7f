# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: lifts hard limits; the right answer only if it is refused
import resource

a, b = map(int, input().split())
lifted = []
for name in ("RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CPU", "RLIMIT_NPROC", "RLIMIT_CORE", "RLIMIT_MEMLOCK"):
    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
            lifted.append(name)
        except (OSError, ValueError):
            pass
print(a * b if not lifted else lifted)
