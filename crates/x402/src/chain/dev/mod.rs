//! A chain for development: anvil as a child process, a token with EIP-3009 and Permit2 on it.
