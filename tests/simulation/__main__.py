import collections
import sys
import time

from tests.simulation.simulation import run
from tests.simulation.story import Story

a,b=int(sys.argv[1]),int(sys.argv[2])
t=time.process_time()
found=[]
for s in range(a,b):
    st=Story() if b-a==1 else None
    try:
        f=run(s,st)
    except BaseException:
        if st: print(st.text())
        print("SEED",s); raise
    if st: print(st.text())
    if f: found.append(f); print(str(f)[:300])
d=time.process_time()-t
print(len(found),"of",b-a, f"{d/(b-a)*1000:.1f} ms per seed")
print(collections.Counter(f.invariant for f in found))
