DROP INDEX provision_subject;
DROP TABLE operation_checkpoint;
DROP TABLE operator_hold;
DROP TABLE inspection;
DROP TABLE one_sided;
DROP TABLE reconciliation;
DROP TABLE witness_evidence;
DROP TABLE witness_state;
