//! The paid query of a database listing: hold what its rows may cost, run it, charge the rows that came.
