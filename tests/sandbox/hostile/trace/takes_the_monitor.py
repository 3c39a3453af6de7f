# mode: stdin
# problem: product
# verdict: pass
# attempts: takes every tool of sys.monitoring away and puts its own there
#!dead
import sys

a, b = map(int, input().split())
monitoring = getattr(sys, "monitoring", None)
for tool in range(6) if monitoring else ():
    if monitoring.get_tool(tool):
        monitoring.free_tool_id(tool)
    monitoring.use_tool_id(tool, "mine")
    monitoring.set_events(tool, monitoring.events.LINE)
    monitoring.register_callback(tool, monitoring.events.LINE, lambda code, line: monitoring.DISABLE)
if monitoring:
    monitoring.restart_events()
if a > 1000:
    print("a line that never runs")  # never runs
print(a * b)
