# Figures of R's mantelhaen.test for tests/test_differences.py; run in this folder: Rscript mantel_haenszel.R
counts <- read.csv("mantel_haenszel_tables.csv")
rows <- lapply(split(counts, counts$table), function(x) {
  tables <- array(rbind(x$a, x$c, x$b, x$d), c(2, 2, nrow(x)))  # class by answer by stratum
  found <- mantelhaen.test(tables, correct = FALSE)
  ends <- log(found$conf.int)
  data.frame(table = x$table[1], log_odds = log(found$estimate[[1]]), se = diff(ends) / (2 * qnorm(0.975)),
             chi2 = found$statistic[[1]], p = found$p.value)
})
write.csv(format(do.call(rbind, rows), digits = 12), "mantel_haenszel_found.csv", row.names = FALSE, quote = FALSE)
