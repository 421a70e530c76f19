# Writes item_fit.json: infit, outfit and Q3 of a simulated board by eRm, for tests/test_item_fit.py and tests/test_person_fit.py.
# Run in this folder with Rscript item_fit.R (Debian: r-cran-erm; made with eRm 1.0-2).
suppressMessages(library(eRm))
set.seed(13)
agents <- 60
tasks <- 14
x <- 1 * (matrix(runif(agents * tasks), agents) < plogis(outer(rnorm(agents, 0, 1.3), rnorm(tasks), "-")))
x <- x[rowSums(x) > 0 & rowSums(x) < tasks, ] # eRm leaves out agents without a failure or without a success
rownames(x) <- sprintf("agent %02d", seq_len(nrow(x)))
colnames(x) <- sprintf("task %02d", seq_len(tasks))
rasch <- RM(x)
people <- person.parameter(rasch)
item <- itemfit(people)
person <- personfit(people)
numbers <- function(v) paste0("[", paste(sprintf("%.12g", v), collapse = ", "), "]")
rows <- function(m) paste0("[", paste(apply(m, 1, numbers), collapse = ",\n  "), "]")
parts <- c(
  outcomes = rows(x),
  ability = numbers(people$theta.table[["Person Parameter"]]),
  difficulty = numbers(-rasch$betapar),
  infit = numbers(item$i.infitMSQ),
  outfit = numbers(item$i.outfitMSQ),
  agent_infit = numbers(person$p.infitMSQ),
  agent_outfit = numbers(person$p.outfitMSQ),
  q3 = rows(cor(x - pmat(people)))
)
writeLines(paste0("{\n", paste0("\"", names(parts), "\": ", parts, collapse = ",\n"), "\n}"), "item_fit.json")
