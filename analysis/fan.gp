# A fan chart: bands that hold the middle half and nine tenths of the seeds, and extreme seeds.
#
# Everything above this line was computed by `faultline plot --as fan`; everything below is style. Change
# what you like and run `gnuplot fan.gp` in this folder. The data are in fan.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "fan." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
if (format eq "png") {
    set terminal pngcairo size 1700,1000 font FONT.",18" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 1700,1000 font FONT.",18" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 17cm,10cm font FONT.",18" fontscale 0.284 pointscale 0.38 enhanced rounded linewidth 0.6
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and the Okabe-Ito palette, which colour-blind readers can tell apart.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"; SHADE = "#d9dee4"
BLUE = "#0072B2"; VERM = "#D55E00"
array label_rgb[6] = [BLUE, BLUE, INK, BLUE, BLUE, "#b84a00"]
array label_font[6] = [",16", ",16", ":Bold,18", ",16", ",16", ":Italic,15"]

set lmargin at screen 0.085
set rmargin at screen 0.835
set tmargin at screen title_2 eq "" ? 0.865 : 0.825
set bmargin at screen 0.095
set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid ytics lc rgb GRID lw 1 dt 1
set key noautotitle
set format "%g"

set label 1 title_1 at screen 0.014, screen 0.962 left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 2 title_2 at screen 0.014, screen 0.920 left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 3 subtitle at screen 0.014, screen (title_2 eq "" ? 0.915 : 0.875) left noenhanced font FONT.",14" tc rgb MUTE
set label 4 y_label at screen 0.02, screen 0.48 center rotate by 90 noenhanced tc rgb INK
set xlabel x_label noenhanced tc rgb INK

do for [i=1:fault_count] {
    if (fault[i] ne "") {
        set object i rect from fault_from[i], graph 0 to fault_to[i], graph 1 fc rgb SHADE fs transparent solid 0.5 noborder behind
        set label 50+i fault[i] at (fault_from[i] + fault_to[i]) / 2, graph 1.0 - 0.03*i center noenhanced font FONT.":Italic,16" tc rgb MUTE front
    }
}
# What stands beside the curves' ends, joined to them where it had to move.
gap = 0.014 * (x_to - x_from)
do for [i=1:label_count] {
    set label 100+i label[i] at x_to + 2.2*gap, label_y[i] left noenhanced font FONT.label_font[label_kind[i]] tc rgb label_rgb[label_kind[i]]
    set arrow 100+i from head + gap, label_true[i] to x_to + 1.1*gap, label_true[i] nohead lc rgb AXIS lw 0.8 dt (3,4)
    set arrow 200+i from x_to + 1.1*gap, label_true[i] to x_to + 2.0*gap, label_y[i] nohead lc rgb AXIS lw 0.8
}
if (over_time && median_low == median_low && bands) {
    set arrow 90 from head + 0.5*gap, median_low to head + 0.5*gap, median_high heads size screen 0.004,90 lc rgb INK lw 2 front
}

set xrange [x_from:x_to]
set yrange [y_low:y_high]
draw = "plot NaN"
if (bands) {
    draw = draw . ", 'fan.tsv' using 1:2:6 with filledcurves fc rgb BLUE fs transparent solid 0.16 noborder"
    draw = draw . ", 'fan.tsv' using 1:3:5 with filledcurves fc rgb BLUE fs transparent solid 0.26 noborder"
    draw = draw . ", for [i=1:lines] 'fan.tsv' using 1:8+i with lines lw 1.1 lc rgb VERM"
    draw = draw . ", 'fan.tsv' using 1:4 with lines lw 3 lc rgb INK"
    if (!over_time) { draw = draw . ", 'fan.tsv' using 1:4:7:8 with yerrorbars lw 1.8 pt 7 ps 1.1 lc rgb INK" }
} else {
    draw = draw . ", for [i=1:lines] 'fan.tsv' using 1:8+i with lines lw 1.6 lc rgb BLUE"
}
eval draw
set output
