//! Rules of the house that the compiler does not check.  Each failure says what to do.
