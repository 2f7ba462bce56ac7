//! Users' own accounts at other servers: connecting them, and calls that are made with them.

mod attacks;
mod calls;
mod keys;
mod operator;
mod providers;
mod real;
mod scripts;
mod stage;
