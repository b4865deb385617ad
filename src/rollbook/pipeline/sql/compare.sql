-- name: have_enrollment
-- What the ledger says, in today's row numbers; NULL where the class or the user is not there any more.
CREATE TABLE have_enrollment AS
SELECT c.no AS class_no, u.user_no, l.admin, l.origin, l.section, l.user, l.school
FROM ledger_enrollment l
LEFT JOIN section_no c ON c.key = l.section
LEFT JOIN user_no u ON u.key = l.user
WHERE l.year = $year
-- name: drifted_away
-- Whom people took out of sections whose members were read: given again if the organization wants it so.
CREATE TABLE drifted_away AS
SELECT section, "user", class_no, user_no, admin, school FROM have_enrollment
WHERE origin <> 'unknown' AND section IN (SELECT key FROM drift_section)
  AND section || '|' || "user" NOT IN (SELECT code FROM live_enrollment WHERE code IS NOT NULL)
-- name: give_drifted
DELETE FROM have_enrollment USING drifted_away d
LEFT JOIN want_enrollment w ON w.class_no = d.class_no AND w.user_no = d.user_no
WHERE d.section = have_enrollment.section AND d."user" = have_enrollment."user" AND ($give OR w.admin <> d.admin)
-- name: list_drifted
-- Else they are listed, and stay as people left them while the SIS says the same (rule 23).
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_GONE' AS code, 'enrollment' AS collection, d.section || '|' || d."user" AS id, d.school
FROM drifted_away d SEMI JOIN want_enrollment w ON w.class_no = d.class_no AND w.user_no = d.user_no AND w.admin = d.admin
JOIN eff_user u ON u.key = d."user" AND NOT u.deleted AND NOT u.inactive AND NOT coalesce(u.deactivated, false)
JOIN eff_section s ON s.key = d.section AND NOT s.deleted
WHERE NOT $give
-- name: drifted_role
UPDATE have_enrollment SET admin = v.admin
FROM live_enrollment v WHERE v.code = have_enrollment.section || '|' || have_enrollment."user"
-- name: extra_members
CREATE TABLE extra_member AS
SELECT d.key AS section, split_part(v.code, '|', 2) AS "user", coalesce(v.admin, false) AS admin, s.class_no, s.school
FROM live_enrollment v JOIN drift_section d ON d.key = split_part(v.code, '|', 1)
JOIN desired_section s ON s.key = d.key
WHERE split_part(v.code, '|', 2) <> '' AND NOT coalesce(v.admin, false)
  AND NOT exists(SELECT 1 FROM have_enrollment h WHERE h.section || '|' || h."user" = v.code)
-- name: take_extra_members
-- A section that Rollbook made had no members at the first match; in others nobody can tell, so they are held (rule 21).
INSERT INTO have_enrollment BY NAME
SELECT e.class_no, u.user_no, e.admin, CASE WHEN s.origin = 'created' THEN 'extra' ELSE 'adopted' END AS origin,
       e.section, e."user", e.school
FROM extra_member e LEFT JOIN user_no u ON u.key = e."user" LEFT JOIN ledger_section s ON s.key = e.section
-- name: enrollment_difference
CREATE TABLE enrollment_difference AS
SELECT w.class_no AS want_class, w.user_no AS want_user, w.admin AS want_admin, h.*
FROM want_enrollment w FULL JOIN have_enrollment h ON w.class_no = h.class_no AND w.user_no = h.user_no
WHERE w.class_no IS NULL OR h.section IS NULL OR w.admin IS DISTINCT FROM h.admin OR h.origin = 'unknown'
-- name: doubtful_enrollments
-- Present and blocked: nobody loses anything by them (rule 20).
CREATE TABLE doubtful_enrollment AS
SELECT DISTINCT class_no, user_no FROM enrollments
WHERE NOT gone AND class_no IS NOT NULL AND user_no IS NOT NULL
  AND ("sourcedId" IS NULL OR "sourcedId" IN (SELECT id FROM blocked_enrollments))
-- name: give_enrollments
-- Who is a course admin stays one unless all was read that could say so.
INSERT INTO changes_enrollment BY NAME
SELECT CASE WHEN e.section IS NULL OR e.origin = 'unknown' THEN 'create' ELSE 'update' END AS action,
       s.key || '|' || u.key AS key, s.school, s.year,
       CASE WHEN e.section IS NOT NULL AND e.origin <> 'unknown'
            THEN CAST(to_json(struct_pack(section := s.key, "user" := u.key, admin := e.admin)) AS VARCHAR) END AS before,
       CAST(to_json(struct_pack(section := s.key, "user" := u.key, admin := e.want_admin)) AS VARCHAR) AS after,
       'send' AS state, s.key AS p_section, u.key AS p_user
FROM enrollment_difference e
JOIN (SELECT key, class_no, school, year FROM desired_section) s ON s.class_no = e.want_class
JOIN (SELECT key, user_no FROM desired_user) u ON u.user_no = e.want_user
WHERE e.want_class IS NOT NULL
  AND (e.section IS NULL OR e.origin = 'unknown' OR e.want_admin OR NOT coalesce(e.admin, false)
       OR ($complete AND NOT exists(SELECT 1 FROM doubtful_enrollment b
                                    WHERE b.class_no = e.want_class AND b.user_no = e.want_user)))
ORDER BY action, s.school, key
-- name: spelled
-- Files that spell one id in two ways (capitals, spaces) mean the same record: nobody is gone because of that.
CREATE MACRO spelled(id) AS lower(nfc_normalize(regexp_replace(id, '[\s\pZ\pC]', '', 'g')))
-- name: dangling
-- Records that are present although their class or user is not, or the user has lost the unique id: blocked, so not
-- gone (rule 20). A user nobody lists is known by sourcedId alone; with another unique id, NULL stands for everybody in
-- that class who is not there. Nothing is asked of them where not everything was read.
CREATE TABLE dangling AS
SELECT section, "user", spelled(section) AS section_spelled, spelled("user") AS user_spelled, user_id FROM (
SELECT coalesce(c."sourcedId", e."classSourcedId") AS section,
       CASE WHEN u."sourcedId" IS NOT NULL THEN u.{unique_id} WHEN $by_sourced_id THEN e."userSourcedId" END AS "user",
       e."userSourcedId" AS user_id
FROM (SELECT "classSourcedId", "userSourcedId", class_no, user_no FROM enrollments WHERE NOT gone AND $complete
      AND (class_no IS NULL OR user_no IS NULL OR class_no IN (SELECT rowid FROM classes WHERE gone)
           OR user_no IN (SELECT rowid FROM users WHERE gone OR {unique_id} IS NULL))) e
LEFT JOIN classes c ON c.rowid = e.class_no LEFT JOIN users u ON u.rowid = e.user_no)
-- name: dangling_people
-- With another unique id, whom a sourcedId means that is spelled otherwise.
INSERT INTO dangling BY NAME
SELECT DISTINCT d.section, u."user", d.section_spelled, spelled(u."user") AS user_spelled
FROM dangling d
JOIN (SELECT spelled("sourcedId") AS id, {unique_id} AS "user" FROM users WHERE {unique_id} IS NOT NULL) u
  ON u.id = spelled(d.user_id)
WHERE d."user" IS NULL
-- name: gone_enrollments
-- Rule 20: taken away only what we gave, only when every collection on the path was read whole, and only inside the
-- scope; a record that is present but blocked, frozen or dormant is not gone, nor is one of a person whose rename waits.
-- What an account had when it was deactivated stays with it (rule 13).
INSERT INTO changes_enrollment BY NAME
WITH lost AS (
    SELECT e.*, d.last_day, d.class_no IS NOT NULL AS section_wanted, coalesce(d.last_day, p.last_day) < $today AS concluded
    FROM enrollment_difference e
    SEMI JOIN school s ON s.org = e.school
    LEFT JOIN desired_section d ON d.class_no = e.class_no
    LEFT JOIN (
        SELECT x.key, max(CAST(g."end" AS DATE)) AS last_day
        FROM (SELECT key, unnest(grading_periods) AS period FROM ledger_section) x
        JOIN ledger_grading_period g ON g.key = x.period GROUP BY x.key) p ON p.key = e.section
    WHERE e.want_class IS NULL AND (e.origin NOT IN ('adopted', 'extra') OR ($take_extras AND NOT e.admin))
), presence AS (
    SELECT l.section, l.user,
           bool_or(r.class_no IS NOT NULL AND (
               r.blocked OR r."endDate" IS NULL OR r."endDate" - $exclusive >= least($today, l.last_day))) AS there,
           bool_or(r."endDate" - $exclusive < least($today, l.last_day)) AS ended
    FROM lost l LEFT JOIN (
        SELECT class_no, user_no, "endDate", "sourcedId" IS NULL OR "sourcedId" IN (SELECT id FROM blocked_enrollments)
            AS blocked FROM enrollments WHERE NOT gone) r
      ON r.class_no = l.class_no AND r.user_no = l.user_no
    GROUP BY 1, 2
)
SELECT 'remove' AS action, l.section || '|' || l.user AS key, l.school, CAST($year AS VARCHAR) AS year,
       CAST(to_json(struct_pack(section := l.section, "user" := l.user, admin := l.admin)) AS VARCHAR) AS before,
       CAST(to_json(struct_pack(section := l.section, "user" := l.user, admin := l.admin)) AS VARCHAR) AS after,
       'send' AS state, CASE WHEN l.origin = 'adopted' THEN 'extra' END AS reason, l.section AS p_section, l.user AS p_user
FROM lost l JOIN presence USING (section, "user")
LEFT JOIN present_user pu ON pu.unique_id = l.user
LEFT JOIN desired_user du ON du.key = l.user
LEFT JOIN (SELECT "sourcedId" AS id FROM classes WHERE NOT gone GROUP BY 1) c ON c.id = l.section
WHERE $complete AND NOT coalesce(there, false) AND l."user" NOT IN (SELECT old FROM rekey_user)
  AND l."user" NOT IN (SELECT key FROM ledger_user WHERE deactivated IS NOT NULL)
  AND l.section NOT IN (SELECT key FROM frozen_section) AND l."user" NOT IN (SELECT key FROM frozen_user)
  AND NOT exists(SELECT 1 FROM dangling g
                 WHERE g.section_spelled = spelled(l.section) AND g.user_spelled = spelled(l."user"))
  AND (l.user_no IS NOT NULL
       OR spelled(l.section) NOT IN (SELECT section_spelled FROM dangling WHERE "user" IS NULL))
  AND (l.section_wanted OR c.id IS NULL) AND (du.key IS NOT NULL OR pu.unique_id IS NULL)
  AND (NOT coalesce(concluded, false) OR coalesce(ended, false))
ORDER BY l.school, key
-- name: gone_links
-- A guardian who is there but may not sync at the student's school is frozen; one who is not there is gone (rule 15).
INSERT INTO changes_guardian_link BY NAME
WITH lost AS MATERIALIZED (
    SELECT l.student, l.guardian, l.school, u.school AS student_school
    FROM ledger_guardian_link l ANTI JOIN desired_guardian_link d ON d.student = l.student AND d.guardian = l.guardian
    SEMI JOIN school s ON s.org = l.school
    JOIN desired_user u ON u.key = l.student
    WHERE $complete AND $guardians AND l.origin <> 'adopted'
      AND NOT exists(SELECT 1 FROM unknown_column WHERE collection = 'users' AND name = 'agentSourcedIds')
), may_sync AS (
    SELECT DISTINCT x.student, x.guardian
    FROM lost x JOIN people p ON p.unique_id = x.guardian AND p.enabled AND NOT p.excluded
    JOIN belongs b ON b.user_no = p.user_no
    JOIN map_role m ON m.org = x.student_school AND m.role = b.role AND m.guardian AND m.value <> 'skip'
)
SELECT 'remove' AS action, l.student || '|' || l.guardian AS key, l.school,
       CAST(to_json(struct_pack(student := l.student, guardian := l.guardian)) AS VARCHAR) AS before,
       CAST(to_json(struct_pack(student := l.student, guardian := l.guardian)) AS VARCHAR) AS after,
       'send' AS state, l.student AS p_student, l.guardian AS p_guardian
FROM lost l LEFT JOIN may_sync y ON y.student = l.student AND y.guardian = l.guardian
LEFT JOIN present_user g ON g.unique_id = l.guardian
WHERE y.guardian IS NOT NULL
   OR (g.unique_id IS NULL AND NOT exists(SELECT 1 FROM users WHERE NOT gone AND {unique_id} IS NULL)
       AND l.guardian NOT IN (SELECT old FROM rekey_user) AND l.guardian NOT IN (SELECT key FROM frozen_user))
ORDER BY l.school, key
-- name: given_enrollments
-- By which ids the LMS knows the enrollments that change or go: codes there may be another's by now.
UPDATE changes_enrollment SET lms_id = l.lms_id FROM ledger_enrollment l
WHERE changes_enrollment.action IN ('update', 'remove') AND changes_enrollment.lms_id IS NULL
  AND l.lms_id IS NOT NULL AND changes_enrollment.key = l.section || '|' || l."user"
-- name: seen_enrollments
-- Those of extra members, whom the ledger does not have: the ids under which they were just seen.
UPDATE changes_enrollment SET lms_id = v.lms_id FROM live_enrollment v
WHERE changes_enrollment.action = 'remove' AND changes_enrollment.lms_id IS NULL AND changes_enrollment.key = v.code
-- name: pinned_enrollment
-- What the SIS says of pinned enrollments; nothing can be known of those whose class or user is out of scope.
SELECT p.key, w.admin, $complete AND s.key IS NOT NULL AND u.key IS NOT NULL AS complete
FROM pin p
LEFT JOIN (SELECT key, class_no FROM desired_section) s ON s.key = split_part(p.key, '|', 1)
LEFT JOIN (SELECT key, user_no FROM desired_user) u ON u.key = split_part(p.key, '|', 2)
LEFT JOIN want_enrollment w ON w.class_no = s.class_no AND w.user_no = u.user_no
WHERE p.kind = 'enrollment'
-- name: pinned_guardian_link
SELECT p.key, CASE WHEN d.student IS NOT NULL THEN true END AS admin, $complete AND u.key IS NOT NULL AS complete
FROM pin p LEFT JOIN (SELECT key FROM desired_user) u ON u.key = split_part(p.key, '|', 1)
LEFT JOIN desired_guardian_link d ON d.student || '|' || d.guardian = p.key
WHERE p.kind = 'guardian_link'
