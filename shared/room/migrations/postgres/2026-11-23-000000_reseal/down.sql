REVOKE UPDATE (sealed) ON subject, vaccination, voucher FROM watari_partition;
REVOKE UPDATE (number_sealed) ON subject_number FROM watari_partition;
REVOKE DELETE ON subject, subject_number, subject_address, vaccination, voucher, held_inquiry FROM watari_partition;
