"""What takes long and runs by `test --deep`: mutations, servers by the dozen, the slow half."""
