import gzip,sys
n=int(sys.argv[1])
with open("/tmp/read/long.csv","w") as f:
    f.write("agent,llm,task,success\n")
    for i in range(n): f.write(f"agent {i%1000:04d} in bash,LLM {i%1000:04d},task number {i//1000:06d},{i%2}\n")
