# A mixed model of people.csv: does happiness differ between conditions, where videos lie in folders by session?
#
#   emotion annotate clips/ -r -o study --metadata clips.csv --by condition
#   Rscript study.R study happiness condition
#
# Needs lme4 and lmerTest. Shares of time lie between 0 and 1 and pile up at the ends: look at the residuals, and
# take glmmTMB's beta family with zero inflation where they are far from normal.

library(lmerTest)

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
measure <- paste0("mean_", arguments[2])
condition <- arguments[3]

people <- read.csv(file.path(folder, "people.csv"), na.strings = "", stringsAsFactors = FALSE)
# Whoever is seen for a moment only is mostly a mistake of the tracker's.
people <- subset(people, seconds >= 1 & !is.na(people[[measure]]))
people[[condition]] <- factor(people[[condition]])
people$video <- factor(people$video)
people$folder <- factor(people$folder)

# People of one video are no independent observations, nor are videos of one folder; weighed by the time seen.
random <- c("(1 | video)", if (nlevels(people$folder) > 1) "(1 | folder)")
formula <- as.formula(paste(measure, "~", condition, "+", paste(random, collapse = " + ")))
model <- lmer(formula, data = people, weights = seconds / mean(seconds))

print(summary(model))
print(anova(model))
print(confint(model, method = "Wald", parm = "beta_"))
png(file.path(folder, "residuals.png"), width = 900, height = 450)
par(mfrow = c(1, 2))
plot(fitted(model), resid(model), xlab = "fitted", ylab = "residual")
qqnorm(resid(model))
qqline(resid(model))
invisible(dev.off())
