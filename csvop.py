import sys,time,resource
from agentirt_nb.data.reading import outcomes_from_csv
import xarray
base=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**20
t=time.process_time()
try: print(outcomes_from_csv(sys.argv[1]).sizes)
except Exception as e: print(type(e),str(e)[:300])
print("peak GiB",round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**20-base,2),"cpu s",round(time.process_time()-t,1))
