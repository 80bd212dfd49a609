"""The platform's old runtime for abilities, on tear-free storage.

`src.agent.capability`, `src.agent.capability_worker` and `src.main` are the names
that abilities import; this package is what they are made of:

- `startup`, `session`, `loop`, `terminal`: how an ability is started, waits and ends;
- `capability`, `capability_worker`, `agent_worker`: the three classes;
- `files`, `recovery`, `documents`, `left_alone`: its files, whole at every moment;
- `key_values`: the key-value calls;
- `model`, `bundled`, `time_zones`, `harmless`, `log`: the rest of its surroundings.
"""
