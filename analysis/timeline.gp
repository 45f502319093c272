# The timeline of a run in three panels: prices, liquidations, who bears the loss.
#
# Everything above this line was computed by `faultline plot`; everything below is style. Change what
# you like and run `gnuplot timeline.gp` in this folder. The data are in timeline.tsv; trace.h5 beside
# it has every sample.

if (!exists("format")) format = "png"
if (!exists("output")) output = "timeline." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
# One layout for all three: in points of 1/96 inch for PNG, of a pixel for SVG, of 1/72 inch for PDF.
if (format eq "png") {
    set terminal pngcairo size 1600,1500 font FONT.",20" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 1600,1500 font FONT.",20" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 16cm,15cm font FONT.",20" fontscale 0.283 pointscale 0.38 enhanced rounded linewidth 0.6
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and the Okabe-Ito palette, which colour-blind readers can tell apart.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"
BLUE = "#0072B2"; VERM = "#D55E00"; GREEN = "#009E73"; GOLD = "#E69F00"; PINK = "#CC79A7"; SKY = "#56B4E9"
array band_color[4] = [GOLD, PINK, SKY, GREEN]
array band_ink[4]   = ["#8a5a00", "#8f3f6b", "#1f6f9f", "#00664b"]

# Styles of the direct labels, by number.
array style_font[8] = [":Bold,18", ":Bold,18", ":Bold,18", ":Bold,18", ":Italic,17", ":Italic,17", ":Italic,17", ":Italic,17"]
array style_ink[8]  = [BLUE, "#b84a00", "#00785a", INK, band_ink[1], band_ink[2], band_ink[3], band_ink[4]]

set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid ytics lc rgb GRID lw 1 dt 1
set key noautotitle
set lmargin at screen left_edge
set rmargin at screen right_edge
X(seconds) = seconds / x_unit

put_bands = 'do for [i=1:fault_count] { set object i rect from fault_from[i], graph 0 to fault_to[i], graph 1 fc rgb band_color[(i-1)%4+1] fs transparent solid 0.20 noborder behind }'
# Axis titles are labels, so that they stand in one line whatever the width of the numbers.
put_axes = 'set tmargin at screen panel_top[panel]; set bmargin at screen panel_bottom[panel]; set yrange [panel_low[panel]:panel_high[panel]]; set ytics panel_tics[panel] nomirror scale 0.6 format "%g" textcolor rgb INK; unset label; set label 900 axis at screen 0.016, screen (panel_top[panel] + panel_bottom[panel])/2 center rotate by 90 tc rgb INK; if (panel == panel_last) { eval "set xtics (" . x_tics_named . ")"; set xlabel x_label tc rgb INK }'
put_labels = 'do for [i=1:label_count] { if (label_panel[i] == panel) { set label i label_text[i] at label_x[i], label_y[i] left noenhanced font FONT.style_font[label_style[i]] tc rgb style_ink[label_style[i]] front } }'
put_title = 'set label 901 title_1 at screen left_edge, screen title_y_1 left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK; set label 902 title_2 at screen left_edge, screen title_y_2 left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK; set label 903 subtitle at screen left_edge, screen subtitle_y left noenhanced font FONT.sprintf(",%g", subtitle_points) tc rgb MUTE'
put_panel = put_axes . '; ' . put_labels . '; if (panel == panel_first) { ' . put_title . ' }'

set multiplot

# --- the whole run, where the panels show a part of it
if (zoomed) {
    set tmargin at screen strip_top; set bmargin at screen strip_bottom
    set border 1 lc rgb AXIS lw 1
    unset ytics; unset grid
    set xrange [run_from:run_to]; set yrange [strip_low:strip_high]
    set xtics run_tics nomirror scale 0.4 offset 0,0.55 font FONT.",14" textcolor rgb MUTE
    eval put_bands
    set object 90 rect from x_from, graph 0 to x_to, graph 1 fs empty border lc rgb MUTE lw 1 front
    set arrow 90 from x_from, graph 0 to screen left_edge, screen panel_top[panel_first] nohead lc rgb "#ccd3da" lw 1 back
    set arrow 91 from x_to, graph 0 to screen right_edge, screen panel_top[panel_first] nohead lc rgb "#ccd3da" lw 1 back
    set label 2 "whole run" at screen left_edge - 0.008, screen (strip_top + strip_bottom)/2 right font FONT.",14" tc rgb MUTE
    plot data using (X($1)):2 with lines lw 1.2 lc rgb MUTE
    unset label; unset arrow; unset object
    set border 3 lc rgb AXIS lw 1.2
    set grid ytics lc rgb GRID lw 1 dt 1
    set xtics nomirror scale 0.6 offset 0,0 font FONT.",20" textcolor rgb INK
}

set xrange [x_from:x_to]
eval "set xtics (" . x_tics . ")"
set format x ""
eval put_bands

# --- panel 1: prices
if (panel_drawn[1]) {
panel = 1; axis = "price [USD]"
eval put_panel
if (has_gap) { set arrow 1 from gap_x, gap_low to gap_x, gap_high heads filled size screen 0.006,20 lc rgb INK lw 1.4 front }
draw = "plot NaN"
if (has_fundamental && has_oracle) { draw = draw . ", data using (X($1)):($10 > 0 ? $2 : NaN):($10 > 0 ? $3 : NaN) with filledcurves fc rgb VERM fs transparent solid 0.14 noborder" }
if (has_oracle)      { draw = draw . ", data using (X($1)):($4 > 0 ? $3 : NaN) with steps lw 3.4 lc rgb VERM, data using (X($1)):($4 > 0 ? NaN : $3) with steps lw 1.8 dt (4,4) lc rgb VERM" }
if (has_fundamental) { draw = draw . ", data using (X($1)):2 with lines lw 1.6 lc rgb BLUE" }
eval draw
unset arrow
}

# --- panel 2: what is due for liquidation, on top of what has been liquidated
if (panel_drawn[2]) {
panel = 2; axis = liquidation_axis
eval put_panel
if (has_backlog) { set arrow 1 from backlog_x, backlog_low to backlog_x, backlog_high heads filled size screen 0.006,20 lc rgb INK lw 1.4 front }
D(v) = (v - liquidated_before) / panel_unit[2]
draw = "plot NaN"
if (has_liquidated) { draw = draw . ", data using (X($1)):(D($6)) with filledcurves y1=0 fc rgb GREEN fs transparent solid 0.22 noborder" }
if (has_due)        { draw = draw . ", data using (X($1)):(D($6)):(D($6 + $5)) with filledcurves fc rgb VERM fs transparent solid 0.28 noborder, data using (X($1)):(D($6 + $5)) with lines lw 2 lc rgb VERM" }
if (has_liquidated) { draw = draw . ", data using (X($1)):(D($6)) with lines lw 2 lc rgb GREEN" }
eval draw
unset arrow
}

# --- panel 3: the insurance fund, and the losses it did not bear
if (panel_drawn[3]) {
panel = 3; axis = money_axis
eval put_panel
M(v) = v / panel_unit[3]
draw = "plot NaN"
if (has_fund)   { draw = draw . ", data using (X($1)):(M($7)) with filledcurves y1=0 fc rgb BLUE fs transparent solid 0.15 noborder" }
if (has_debt)   { draw = draw . ", data using (X($1)):(M($8)) with filledcurves y1=0 fc rgb VERM fs transparent solid 0.28 noborder" }
if (has_latent) { draw = draw . ", data using (X($1)):(M($8)):(M($8 + $9)) with filledcurves fc rgb VERM fs transparent solid 0.12 noborder, data using (X($1)):(M($8 + $9)) with lines lw 1.4 dt (6,4) lc rgb VERM" }
if (has_fund)   { draw = draw . ", data using (X($1)):(M($7)) with lines lw 2 lc rgb BLUE" }
if (has_debt)   { draw = draw . ", data using (X($1)):(M($8)) with lines lw 2.4 lc rgb VERM" }
if (has_empty)  { draw = draw . ", '+' using (empty_x):(0) every ::0::0 with points pt 7 ps 1.6 lc rgb BLUE" }
eval draw
}
unset multiplot
set output
