REVOKE UPDATE (sealed) ON subject, vaccination, voucher, notice_out, notice_in, quarantine, import_part,
    import_subject, import_voucher, import_vaccination, batch_part FROM watari_partition;
REVOKE UPDATE (number_sealed) ON subject_number, import_subject FROM watari_partition;
REVOKE UPDATE (receipt_sealed) ON notice_in FROM watari_partition;
REVOKE UPDATE (question_sealed) ON batch_row FROM watari_partition;
REVOKE DELETE ON subject, subject_number, subject_address, subject_likeness, vaccination, voucher, held_inquiry,
    notice_in FROM watari_partition;
