"""A plain PyTorch loop of multitask sparse parity, for `parity_throughput.py`. Needs only PyTorch, on any Python.

The network, batch, optimiser and steps are those of `train_parity`: one-hot codes and bits side by side, one hidden layer
of ReLU units, two outputs, cross-entropy, Adam. Batches are drawn by whole-array operations, not subtask by subtask.
"""

import sys
import time

import torch


def main(n_tasks: int, n_bits: int, k: int, batch: int, width: int, steps: int, threads: int) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    subsets = torch.stack([torch.randperm(n_bits)[:k] for _ in range(n_tasks)])
    frequency = torch.arange(1, n_tasks + 1, dtype=torch.float64) ** -1.4
    net = torch.nn.Sequential(torch.nn.Linear(n_tasks + n_bits, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))
    adam, cross_entropy = torch.optim.Adam(net.parameters(), 1e-3), torch.nn.CrossEntropyLoss()

    def step() -> None:
        task = torch.multinomial(frequency, batch, replacement=True)
        bits = torch.randint(0, 2, (batch, n_bits))
        parity = bits.gather(1, subsets[task]).sum(1) % 2
        x = torch.cat([torch.nn.functional.one_hot(task, n_tasks), bits], 1).float()
        adam.zero_grad()
        cross_entropy(net(x), parity).backward()
        adam.step()

    for _ in range(5):
        step()
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    print(batch * steps / (time.perf_counter() - begun))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
