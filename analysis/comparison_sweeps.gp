# What two sweeps differ by at each point, with intervals: a forest plot.
#
# Everything above this line was computed by `faultline plot --as comparison`; everything below is style.
# Change what you like and run `gnuplot comparison.gp` in this folder. The data are in comparison.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "comparison." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
WIDTH = 1600; HEIGHT = 270 + 46*rows
if (format eq "png") {
    set terminal pngcairo size WIDTH,HEIGHT font FONT.",20" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size WIDTH,HEIGHT font FONT.",20" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 16cm,(16.0*HEIGHT/WIDTH)cm font FONT.",20" fontscale 0.283 pointscale 0.38 enhanced rounded linewidth 0.6
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and two of the Okabe-Ito palette, which colour-blind readers can tell apart.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"
array color[4] = ["#D55E00", "#0072B2", "#7b8794", "#7b8794"]

Y(pixels) = 1.0 - 1.0*pixels/HEIGHT
columns = 210.0 / WIDTH
left = (label_pixels + 40.0) / WIDTH + columns
left = left > 0.6 ? 0.6 : left
right = 0.97
set lmargin at screen left; set rmargin at screen right
set tmargin at screen Y(title_2 eq "" ? 150 : 180); set bmargin at screen 90.0/HEIGHT
set border 1 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid xtics lc rgb GRID lw 1 dt 1
unset ytics
set key noautotitle
set xlabel axis noenhanced tc rgb INK
set yrange [rows+0.6:0.4]
set xrange [*:*]
set offsets graph 0.03, graph 0.03, 0, 0
head_y = Y(title_2 eq "" ? 132 : 162)

set label 1 title_1 at screen 0.015, screen Y(34) left noenhanced font FONT.":Bold,27" tc rgb INK
set label 2 title_2 at screen 0.015, screen Y(72) left noenhanced font FONT.":Bold,27" tc rgb INK
set label 3 subtitle at screen 0.015, screen Y(title_2 eq "" ? 76 : 110) left noenhanced font FONT.",16" tc rgb MUTE
set label 4 "mean of A" at screen left - 0.072, screen head_y right font FONT.":Italic,16" tc rgb MUTE
set label 5 "of B" at screen left - 0.012, screen head_y right font FONT.":Italic,16" tc rgb MUTE
do for [i=1:rows] {
    set label 10+i place[i] at screen 0.015, first i left noenhanced font FONT.",18" tc rgb INK
    set label 100+i mean_a[i] at screen left - 0.072, first i right noenhanced font FONT.",17" tc rgb MUTE
    set label 200+i mean_b[i] at screen left - 0.012, first i right noenhanced font FONT.",17" tc rgb MUTE
}
set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb INK lw 1.2 front
set arrow 2 from screen left, graph 1 to screen right, graph 1 nohead lc rgb GRID lw 1
plot 0*NaN, \
    for [s=1:4] 'comparison.tsv' using ($5 == s ? $2 : NaN):1:3:4 with xerrorbars lw 3 pt 0 lc rgb color[s], \
    for [s=1:2] 'comparison.tsv' using ($5 == s ? $2 : NaN):1 with points pt 7 ps 2.2 lc rgb color[s], \
    for [s=3:4] 'comparison.tsv' using ($5 == s ? $2 : NaN):1 with points pt 7 ps 2.2 lc rgb "#ffffff", \
    for [s=3:4] 'comparison.tsv' using ($5 == s ? $2 : NaN):1 with points pt 6 ps 2.0 lw 2.4 lc rgb color[s]
set output
