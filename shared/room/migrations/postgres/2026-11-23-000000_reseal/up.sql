-- Cells are sealed anew under a new data key; nothing else of a version ever changes.
GRANT UPDATE (sealed) ON subject, vaccination, voucher, notice_out, notice_in, quarantine, import_part,
    import_subject, import_voucher, import_vaccination, batch_part TO watari_partition;
GRANT UPDATE (number_sealed) ON subject_number, import_subject TO watari_partition;
GRANT UPDATE (receipt_sealed) ON notice_in TO watari_partition;
GRANT UPDATE (question_sealed) ON batch_row TO watari_partition;

-- What two persons have decided to erase.
GRANT DELETE ON subject, subject_number, subject_address, subject_likeness, vaccination, voucher, held_inquiry,
    notice_in TO watari_partition;
