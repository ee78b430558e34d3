"""One JSON line in, one out: how the benchmark in Node has a case run here and now.

{"case": "image-8/eager", "runs": 3}       → {"seconds": [0.71, 0.70, 0.70]}
{"case": …, "runs": 1, "save": "out.safetensors"}   also writes what the run gave
"""

import json
import os
import sys
import time

from safetensors.torch import save_file


def serve(about, cases):
    """`cases`: name → function of nothing that gives a dictionary of tensors. Ends with stdin."""
    # What libraries print must not come between the lines.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(message):
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    reply({"cases": list(cases), "about": about})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            run = cases[request["case"]]
            seconds = []
            for _ in range(request["runs"]):
                begun = time.perf_counter()
                result = run()
                seconds.append(time.perf_counter() - begun)
            if "save" in request:
                tensors = {name: tensor.contiguous() for name, tensor in result.items()}
                save_file(tensors, request["save"])
            reply({"seconds": seconds})
        except Exception as error:  # told to the other side, which leaves this case out
            reply({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
