# A mixed model of people.csv: does happiness differ between conditions?
#
#   emotion annotate clips/ -r -o study --metadata clips.csv --by condition
#   Rscript study.R study happiness condition
#
# Arguments: the folder of the study, a class, and the column of the condition (which may be `folder`). If several
# videos show the same person, --metadata needs a column `subject` that says who it is.
#
# Needs lmerTest. Means and shares lie between 0 and 1: check the residuals, and use the beta family of glmmTMB if they
# are far from normal.

library(lmerTest)

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
measure <- paste0("mean_", arguments[2])
condition <- arguments[3]

people <- read.csv(file.path(folder, "people.csv"), na.strings = "", stringsAsFactors = FALSE)
# Someone who appears only for a moment is often a false detection.
people <- subset(people, seconds >= 1 & !is.na(people[[measure]]))
people[[condition]] <- factor(people[[condition]])

# Observations from one video, folder or subject are not independent. A term needs a group with two of them.
groups <- setdiff(intersect(c("video", "folder", "subject"), names(people)), condition)
repeated <- function(name) anyDuplicated(people[[name]]) > 0 && length(unique(people[[name]])) > 1
random <- sprintf("(1 | %s)", Filter(repeated, groups))
formula <- reformulate(c(condition, random), measure)
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
