-- name: pair_user
-- The same people under new ids: gone under the old, new under the new. Same name and same username or e-mail; or, when
-- one of the names changed too (a marriage), same username and same e-mail.
CREATE TABLE pair_user AS
WITH lost AS (
    SELECT key, school, lower(first_name) AS first_name, lower(last_name) AS last_name, lower(username) AS username,
           lower(email) AS email
    FROM ledger_user WHERE key NOT IN (SELECT unique_id FROM present_user)
), fresh AS (
    SELECT d.key, lower(d.first_name) AS first_name, lower(d.last_name) AS last_name, lower(d.username) AS username,
           lower(d.email) AS email
    FROM desired_user d ANTI JOIN ledger_user l ON l.key = d.key
)
SELECT lost.key AS old, fresh.key AS new, any_value(lost.school) AS school, true AS same_name
FROM lost JOIN fresh ON lost.last_name = fresh.last_name AND lost.first_name = fresh.first_name
 AND (lost.username = fresh.username OR lost.email = fresh.email)
GROUP BY ALL
UNION ALL
SELECT lost.key, fresh.key, any_value(lost.school), false
FROM lost JOIN fresh ON lost.username = fresh.username AND lost.email = fresh.email
WHERE (lost.first_name = fresh.first_name) <> (lost.last_name = fresh.last_name)
GROUP BY ALL
-- name: pair_course
-- A course whose school moved to another building keeps its LMS object (rule 1); and the same courses under new ids:
-- same building, same code or title. Courses that no class of this year used are left to their own year.
CREATE TABLE pair_course AS
WITH fresh AS (SELECT d.* FROM desired_course d ANTI JOIN ledger_course l ON l.key = d.key),
lost AS (
    SELECT l.* FROM ledger_course l JOIN course_id i ON i.key = l.key
    WHERE i.id NOT IN (SELECT "sourcedId" FROM courses WHERE NOT gone AND "sourcedId" IS NOT NULL)
      AND (l.key IN (SELECT course FROM ledger_section WHERE year = $year AND course IS NOT NULL)
           OR l.key NOT IN (SELECT course FROM ledger_section WHERE course IS NOT NULL))
), pairs AS (
    SELECT lost.key AS old, fresh.key AS new, lost.school, false AS moved,
           coalesce(lower(lost.code) IN (lower(fresh.short), lower(fresh.plain_code)), false) AS same_code,
           coalesce(lower(lost.title) = lower(fresh.title), false) AS same_title
    FROM lost JOIN fresh ON lost.building = fresh.building
)
SELECT *, false AS same_classes FROM pairs WHERE same_code OR same_title
UNION ALL
SELECT l.key, d.key, l.school, true, false, false, false
FROM fresh d JOIN course_id i ON i.id = left(d.key, length(d.key) - length(d.building) - 1)
JOIN ledger_course l ON l.key = i.key AND l.school = d.school
WHERE l.building NOT IN (SELECT building FROM school)
-- name: evidence_course
-- Classes that kept their ids went from the one course to the other.
UPDATE pair_course SET same_classes = true
FROM (SELECT DISTINCT l.course AS old, d.course AS new FROM ledger_section l JOIN desired_section d ON d.key = l.key) c
WHERE c.old = pair_course.old AND c.new = pair_course.new
-- name: pair_section
-- The same classes under new ids: same school and course (which may have a new id itself); what else is the same is
-- told apart below. `sure` is false where nobody can tell which course it is.
CREATE TABLE pair_section AS
WITH lost AS (
    SELECT l.key, l.school, l.title, l.course, l.location, l.grading_periods
    FROM ledger_section l
    WHERE l.year = $year
      AND l.key NOT IN (SELECT "sourcedId" FROM classes WHERE NOT gone AND "sourcedId" IS NOT NULL)
), fresh AS (SELECT d.* FROM desired_section d ANTI JOIN ledger_section l ON l.key = d.key),
course_of AS (
    SELECT DISTINCT course AS old, course AS new, true AS sure FROM lost
    WHERE course IS NOT NULL AND course NOT IN (SELECT old FROM rekey_course)
    UNION ALL SELECT old, new, true FROM rekey_course
    UNION ALL SELECT old, new, false FROM unsure_course
)
SELECT lost.key AS old, fresh.key AS new, lost.school, c.sure,
       coalesce(lost.title = fresh.title, false) AS same_title,
       lost.location IS NOT DISTINCT FROM fresh.location AS same_room,
       coalesce(lost.grading_periods = fresh.grading_periods, false) AS same_periods,
       false AS same_people
FROM lost JOIN course_of c ON c.old = lost.course
JOIN fresh ON fresh.school = lost.school AND fresh.course = c.new
-- name: evidence_section
-- Mostly the same people: more than half of the members on either side, and a teacher (where both have one). Classes
-- with members of which not one is the same are others, whatever their titles.
CREATE TABLE people_in_common AS
WITH had AS (
    SELECT l.section, p.user_no, coalesce(l.admin, false) AS admin
    FROM ledger_enrollment l SEMI JOIN (SELECT DISTINCT old FROM pair_section) o ON o.old = l.section
    LEFT JOIN rekey_user r ON r.old = l."user"
    LEFT JOIN present_user p ON p.unique_id = coalesce(r.new, l."user")
    WHERE l.year = $year
), has AS (
    SELECT d.key AS section, w.user_no, w.admin
    FROM (SELECT key, class_no FROM desired_section SEMI JOIN pair_section p ON p.new = desired_section.key) d
    JOIN want_enrollment w ON w.class_no = d.class_no
), had_count AS (
    SELECT section, count(*) FILTER (NOT admin) AS members, count(*) FILTER (admin) AS admins,
           count(user_no) FILTER (NOT admin) AS present FROM had GROUP BY section
), has_count AS (
    SELECT section, count(*) FILTER (NOT admin) AS members, count(*) FILTER (admin) AS admins FROM has GROUP BY section
), shared AS (
    SELECT p.old, p.new, count(*) FILTER (NOT a.admin AND NOT b.admin) AS members,
           count(*) FILTER (a.admin AND b.admin) AS admins
    FROM pair_section p JOIN had a ON a.section = p.old
    JOIN has b ON b.section = p.new AND b.user_no = a.user_no GROUP BY p.old, p.new
)
SELECT p.old, p.new,
       2 * coalesce(s.members, 0) > a.members AND 2 * coalesce(s.members, 0) > b.members
           AND (coalesce(s.admins, 0) > 0 OR a.admins = 0 OR b.admins = 0) AS same_people,
       coalesce(s.members, 0) = 0 AND 2 * a.present > a.members AND b.members > 0 AS other_people
FROM pair_section p JOIN had_count a ON a.section = p.old JOIN has_count b ON b.section = p.new
LEFT JOIN shared s ON s.old = p.old AND s.new = p.new
