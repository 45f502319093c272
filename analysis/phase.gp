# A phase diagram: the map, three of its columns beside it, three of its rows below it.
#
# Everything above this line was computed by `faultline plot --as phase`; everything below is style. Change
# what you like and run `gnuplot phase.gp` in this folder. The data are in phase-cells.tsv, phase-rows.tsv
# and phase-lines.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "phase." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
if (format eq "png") {
    set terminal pngcairo size 2000,1500 font FONT.",20" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 2000,1500 font FONT.",20" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 18cm,13.5cm font FONT.",20" fontscale 0.255 enhanced rounded linewidth 0.55 pointscale 0.34
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink; three of the Okabe-Ito colours for columns, three for rows. The map: Crameri's and Smith's ideas of an
# even scale, light to dark, from little to much; what is exactly 0 has a colour of its own.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"; NOTHING = "#edf1f5"
array column_color[3] = ["#0072B2", "#E69F00", "#D55E00"]
array row_color[3]    = ["#56B4E9", "#009E73", "#CC79A7"]
set palette defined (0 "#fcfdbf", 0.125 "#fec98d", 0.25 "#fd9567", 0.375 "#f1605d", 0.5 "#cd4071", 0.625 "#9e2f7f", 0.75 "#721f81", 0.875 "#440f76", 1 "#180f3d")

set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set key noautotitle
set cbrange [colour_low:colour_high]
set colorbox horizontal user origin beside_left + 0.045, below_top - 0.035 size beside_right - beside_left - 0.045, 0.022 noborder
set cbtics autofreq nomirror out scale 0.4 textcolor rgb INK format "%g"

put_panel = 'set lmargin at screen panel_left; set rmargin at screen panel_right; set tmargin at screen panel_top; set bmargin at screen panel_bottom; unset label; unset object; unset arrow; unset grid; set label 900 letter at screen panel_left - 0.045, screen panel_top + panel_lift left font FONT.":Bold,24" tc rgb INK; set label 901 heading at screen panel_left - 0.022, screen panel_top + panel_lift left noenhanced font FONT.",20" tc rgb INK'
put_x = 'set xrange [x_low:x_high]; unset logscale x; set xtics autofreq nomirror format "%g"'
put_y = 'set yrange [y_low:y_high]; unset logscale y; set ytics autofreq nomirror format "%g"'
if (x_log) { put_x = put_x . '; set logscale x' }
if (y_log) { put_y = put_y . '; set logscale y' }
if (x_each) { put_x = put_x . '; set xtics 1 nomirror' }
if (y_each) { put_y = put_y . '; set ytics 1 nomirror' }
if (strlen(x_ticks) > 0) { put_x = put_x . '; set xtics nomirror (' . x_ticks . ')' }
if (strlen(y_ticks) > 0) { put_y = put_y . '; set ytics nomirror (' . y_ticks . ')' }
panel_lift = 0.025
cut(x) = x < value_low ? value_low : x

set multiplot

# --- the sentence
set label 1 title_1 at screen 0.01, screen 0.968 left noenhanced font sprintf("%s:Bold,%g", FONT, title_points) tc rgb INK
set label 2 title_2 at screen 0.01, screen 0.934 left noenhanced font sprintf("%s:Bold,%g", FONT, title_points) tc rgb INK
set label 3 subtitle at screen 0.01, screen 0.900 left noenhanced font FONT.",17" tc rgb MUTE
unset border; unset tics
set lmargin at screen 0.01; set rmargin at screen 0.02; set tmargin at screen 0.02; set bmargin at screen 0.01
set xrange [0:1]; set yrange [0:1]
plot NaN
set tics nomirror out scale 0.6 textcolor rgb INK

# --- a: the map
panel_left = map_left; panel_right = map_right; panel_top = map_top; panel_bottom = map_bottom
letter = "a"; heading = "mean " . metric
eval put_panel
eval put_x
eval put_y
unset border
nothing(mean) = mean == 0 && colour_low == 0
set xlabel x_label . (members > 0 ? sprintf(", f of n = %d", members) : "") noenhanced tc rgb INK
set ylabel y_label noenhanced tc rgb INK
if (theory) {
    set arrow 1 from third, graph 0 to third, graph 1.025 nohead front lc rgb "#ffffff" lw 5
    set arrow 2 from third, graph 0 to third, graph 1.025 nohead front lc rgb INK lw 2 dt (9,6)
    set label 1 "n/3" at third, graph 1.05 center front font FONT.":Bold,20" tc rgb INK
}
if (strlen(calm) > 0) { set label 2 calm at graph calm_x, graph calm_y center front noenhanced font FONT.":Italic,18" tc rgb MUTE }
do for [c=1:columns] { set label 10+c "▼" at column_at[c], graph 1.012 center font FONT.",13" tc rgb column_color[c] }
do for [r=1:rows] { set label 20+r "◀" at graph 1.009, first row_at[r] center font FONT.",13" tc rgb row_color[r] }
set object 1 rect from screen beside_left, screen below_top - 0.035 to screen beside_left + 0.03, screen below_top - 0.013 fc rgb NOTHING fs solid noborder
set label 30 "none" at screen beside_left + 0.015, screen below_top - 0.054 center font FONT.",18" tc rgb INK
set label 31 measure at screen beside_left, screen below_top + 0.012 left noenhanced tc rgb INK
step = 0.034; key_y = below_top - 0.105
put_key = 'set label 40+key key_text at screen beside_left + 0.045, screen key_y left noenhanced font FONT.sprintf(",%g", key_points) tc rgb INK; key_line = sprintf("from screen %g, screen %g to screen %g, screen %g nohead front", beside_left, key_y, beside_left + 0.03, key_y); key_y = key_y - step'
if (bordered) {
    key = 1; key_text = sprintf("%s it half of the runs or more end with %s", down ? "below" : "above", metric)
    eval put_key
    eval 'set arrow 41 ' . key_line . ' lc rgb INK lw 7'
    eval 'set arrow 42 ' . key_line . ' lc rgb "#ffffff" lw 4'
    key = 2; key_text = "its 95 % interval"
    eval put_key
    eval 'set arrow 43 ' . key_line . ' lc rgb INK lw 3'
    eval 'set arrow 44 ' . key_line . ' lc rgb "#ffffff" lw 1.4'
}
if (theory) {
    key = 3; key_text = "n/3: from here on agreement may end"
    eval put_key
    eval 'set arrow 45 ' . key_line . ' lc rgb INK lw 2 dt (9,6)'
}
plot 'phase-cells.tsv' using 1:2:3:4:5:6:(nothing($7) ? NaN : $7) with boxxyerror fs solid border lc rgb "#ffffff" lw 0.8 fc palette, \
    'phase-cells.tsv' using 1:2:3:4:5:(nothing($7) ? $6 : NaN) with boxxyerror fs solid border lc rgb "#ffffff" lw 0.8 fc rgb NOTHING, \
    for [i=1:2*bordered] 'phase-lines.tsv' index i using 1:2 with lines lw 3 lc rgb INK, \
    for [i=1:2*bordered] 'phase-lines.tsv' index i using 1:2 with lines lw 1.4 lc rgb "#ffffff", \
    for [i=1:bordered] 'phase-lines.tsv' index 0 using 1:2 with lines lw 7 lc rgb INK, \
    for [i=1:bordered] 'phase-lines.tsv' index 0 using 1:2 with lines lw 4 lc rgb "#ffffff"

# --- b: columns of the map
panel_left = beside_left; panel_right = beside_right; panel_top = beside_top; panel_bottom = beside_bottom
letter = "b"; heading = "along three columns of a"
eval put_panel
eval put_y
set border 3 lc rgb AXIS lw 1.2
set ytics format ""
if (strlen(y_marks) > 0) { eval 'set ytics nomirror (' . y_marks . ')' }
unset ylabel
unset logscale x
set xrange [value_low:value_high]; set xtics autofreq nomirror format "%g"
set xlabel measure noenhanced tc rgb INK
set grid xtics lc rgb GRID lw 1 dt 1
do for [c=1:columns] { set label 10+c column_label[c] at graph column_label_x[c], graph column_label_y[c] center front noenhanced font FONT.":Bold,18" tc rgb column_color[c] }
plot for [c=1:columns] 'phase-lines.tsv' index c+2 using 1:2 with filledcurves closed fc rgb column_color[c] fs transparent solid 0.16 noborder, \
    for [c=1:columns] 'phase-cells.tsv' index column_index[c] using 7:2 with linespoints lw 2.6 pt 7 ps 0.7 lc rgb column_color[c]

# --- c: rows of the map
panel_left = below_left; panel_right = below_right; panel_top = below_top; panel_bottom = below_bottom
panel_lift = 0.018; letter = "c"; heading = "along three rows of a: " . measure
eval put_panel
eval put_x
set xlabel x_label . (members > 0 ? sprintf(", f of n = %d", members) : "") noenhanced tc rgb INK
unset logscale y
set yrange [value_low:value_high]; set ytics autofreq nomirror format "%g"
set grid ytics lc rgb GRID lw 1 dt 1
if (theory) {
    set arrow 2 from third, graph 0 to third, graph 1 nohead lc rgb INK lw 2 dt (9,6)
}
do for [r=1:rows] { set label 20+r row_label[r] at graph row_label_x[r], graph row_label_y[r] center front noenhanced font FONT.":Bold,18" tc rgb row_color[r] }
# Side by side within each cell, so that no interval hides another.
shift(r) = apart*(r - 0.5*(rows + 1))
beside_each_other(x, low, high, r) = x_log ? x*(high/low)**shift(r) : x + shift(r)*(high - low)
set bars 0
plot for [r=1:rows] 'phase-rows.tsv' index r-1 using (beside_each_other($1, $3, $4, r)):7 with lines lw 1.4 lc rgb row_color[r], \
    for [r=1:rows] 'phase-rows.tsv' index r-1 using (beside_each_other($1, $3, $4, r)):7:(cut($8)):9 with yerrorbars lw 2.6 pt 7 ps 1.1 lc rgb row_color[r]

unset multiplot
set output
