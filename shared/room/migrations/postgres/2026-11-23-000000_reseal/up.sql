-- Cells are sealed anew under a new data key; nothing else of a version ever changes.
GRANT UPDATE (sealed) ON subject, vaccination, voucher TO watari_partition;
GRANT UPDATE (number_sealed) ON subject_number TO watari_partition;

-- What two persons have decided to erase.
GRANT DELETE ON subject, subject_number, subject_address, vaccination, voucher, held_inquiry TO watari_partition;
