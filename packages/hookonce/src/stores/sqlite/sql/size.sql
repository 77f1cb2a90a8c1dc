-- The pages of the file, its free pages, and the size of a page in bytes.
SELECT p.page_count AS pages, f.freelist_count AS free, s.page_size
FROM pragma_page_count AS p, pragma_freelist_count AS f, pragma_page_size AS s
