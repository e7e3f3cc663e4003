# A mixed model of people.csv: does happiness differ between conditions?
#
#   emotion annotate clips/ -r -o study --metadata clips.csv --by condition
#   Rscript study.R study happiness condition
#
# Arguments: the folder of the study, a class, and the column of the condition (which may be `folder`). If several
# videos show the same person, --metadata needs a column `subject` that says who it is.
#
# Needs lmerTest (tried: R 4.2.2, lmerTest 3.1-3). Means and shares lie between 0 and 1: check the residuals, and use the beta family of glmmTMB if they
# are far from normal.

suppressPackageStartupMessages(library(lmerTest))

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 3) stop("Usage: Rscript study.R STUDY CLASS CONDITION", call. = FALSE)
folder <- arguments[1]
measure <- paste0("mean_", arguments[2])
condition <- arguments[3]

# Columns of --metadata keep their names, whatever is in them.
people <- read.csv(file.path(folder, "people.csv"), na.strings = "", check.names = FALSE)
missing <- setdiff(c(measure, condition), names(people))
if (length(missing) > 0) {
  stop("people.csv has no column ", missing[1], ": columns.csv describes those that it has.", call. = FALSE)
}
# Someone who appears only for a moment is often a false detection.
people <- people[people$seconds >= 1 & !is.na(people[[measure]]) & !is.na(people[[condition]]), ]
people[[condition]] <- factor(people[[condition]])
if (nlevels(people[[condition]]) < 2) {
  stop("There is nothing to compare: ", condition, " has fewer than two values.", call. = FALSE)
}

# Observations from one video, folder or subject are not independent. A term needs a group with two of them, and
# a condition with two groups: where each condition has a folder of its own, the two cannot be separated.
groups <- setdiff(intersect(c("video", "folder", "subject"), names(people)), condition)
repeated <- function(name) anyDuplicated(people[[name]]) > 0
within <- function(name) any(tapply(people[[name]], people[[condition]], function(of) length(unique(of))) > 1)
random <- sprintf("(1 | %s)", Filter(function(name) repeated(name) && within(name), groups))
formula <- reformulate(c(sprintf("`%s`", condition), random), as.name(measure))
people$weight <- people$seconds / mean(people$seconds)
fit <- if (length(random) > 0) lmer else lm
model <- fit(formula, data = people, weights = weight)

print(formula)
print(summary(model))
print(anova(model))
print(if (length(random) > 0) confint(model, method = "Wald", parm = "beta_") else confint(model))
png(file.path(folder, "residuals.png"), width = 900, height = 450)
par(mfrow = c(1, 2))
plot(fitted(model), resid(model), xlab = "fitted", ylab = "residual")
qqnorm(resid(model))
qqline(resid(model))
invisible(dev.off())
