//! What is doubtful about a dose, a voucher or a person, and what is likely right: dated rules, no
//! database and no network.
