# Losses over the seeds of a sweep: a histogram for each point, its tail statistics, and exceedance.
#
# Everything above this line was computed by `faultline plot --as loss`; everything below is style. Change
# what you like and run `gnuplot loss.gp` in this folder. The data are in loss.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "loss." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
row_height = name_count <= 4 ? 190 : name_count <= 6 ? 165 : 150
extra = name_count < 3 ? (3 - name_count) * row_height : 0
page_height = 270 + name_count * row_height + extra
if (format eq "png") {
    set terminal pngcairo size 1800,page_height font FONT.",18" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 1800,page_height font FONT.",18" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 18cm,18.0*page_height/1800 cm font FONT.",18" fontscale 0.284 pointscale 0.38 enhanced rounded linewidth 0.6
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and the Okabe-Ito palette, which colour-blind readers can tell apart; points from light to dark.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"
array ramp[8] = ["#62b3e2", "#4aa3d9", "#0072B2", "#009E73", "#E69F00", "#D55E00", "#9c3d00", "#22303c"]
ramp_at(p) = ramp[name_count > 1 ? 1 + int((p - 1) * 6.0 / (name_count - 1) + 0.5) : 3]
array stat_rgb[4] = ["#22303c", "#0072B2", "#D55E00", "#8f3f6b"]
array stat_point[4] = [7, 13, 9, 5]

Y(pixels) = 1 - pixels / (1.0 * page_height)
top = title_2 eq "" ? 160 : 202
set key noautotitle
set multiplot

# --- the sentence
set label 1 title_1 at screen 0.012, screen Y(38) left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 2 title_2 at screen 0.012, screen Y(80) left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 3 subtitle at screen 0.012, screen Y(title_2 eq "" ? 82 : 124) left noenhanced font FONT.",15" tc rgb MUTE

# --- left: a row for each point
set lmargin at screen 0.262; set rmargin at screen 0.625
set tmargin at screen Y(top); set bmargin at screen 82.0 / page_height
rows = name_count + extra / (1.0 * row_height)
room = Y(top) - 82.0 / page_height
line = room / rows / 6.4
do for [p=1:name_count] {
    y = Y(top) - room * (p - 1) / rows
    set label 10*p name[p] at screen 0.014, screen y - 0.7*line left noenhanced font FONT.":Bold,18" tc rgb ramp_at(p)
    set label 10*p+1 words[p] at screen 0.014, screen y - 1.8*line left noenhanced font FONT.",14" tc rgb INK
    set label 10*p+2 mean[p] at screen 0.020, screen y - 2.8*line left noenhanced font FONT.",14" tc rgb stat_rgb[1] offset 1,0 point pt stat_point[1] ps 1.1 lc rgb stat_rgb[1]
    set label 10*p+3 var95[p] at screen 0.020, screen y - 3.7*line left noenhanced font FONT.",14" tc rgb stat_rgb[2] offset 1,0 point pt stat_point[2] ps 1.4 lc rgb stat_rgb[2]
    set label 10*p+4 es95[p] at screen 0.020, screen y - 4.6*line left noenhanced font FONT.",14" tc rgb stat_rgb[3] offset 1,0 point pt stat_point[3] ps 1.3 lc rgb stat_rgb[3]
    set label 10*p+5 var99[p] at screen 0.020, screen y - 5.5*line left noenhanced font FONT.",14" tc rgb stat_rgb[4] offset 1,0 point pt stat_point[4] ps 1.1 lc rgb stat_rgb[4]
    set arrow 10*p from graph 0, first p - 0.36 to graph 1, first p - 0.36 nohead lc rgb AXIS lw 1 back
}
set border 1 lc rgb AXIS lw 1.2
set xtics nomirror out scale 0.6 textcolor rgb INK
unset ytics
set grid xtics lc rgb GRID lw 1 dt 1
set xlabel x_label noenhanced tc rgb INK
set xrange [x_from:x_to + 0.03*(x_to - x_from)]; set yrange [rows:0]
mark_y(p, s) = p - 0.36 + 0.075 * s
plot for [p=1:name_count] 'loss.tsv' index 0 using ($1 == p && $4 > 0 ? ($2 + $3) / 2 : NaN):($1 - 0.36):($2 + 0.06*($3 - $2)):($3 - 0.06*($3 - $2)):($1 - 0.36):($1 - 0.36 - 0.54*$4) with boxxyerror fc rgb ramp_at(p) fs solid 0.85 noborder, \
    for [s=1:4] '' index 1 using ($2 == s ? $3 : NaN):(mark_y($1, s)):4:5 with xerrorbars lw 2 pt stat_point[s] ps 1.3 lc rgb stat_rgb[s]
unset label; unset arrow

# --- right: the share of seeds that lose as much or more
set lmargin at screen 0.705; set rmargin at screen 0.982
set border 3 lc rgb AXIS lw 1.2
unset grid; set grid xtics ytics lc rgb GRID lw 1 dt 1
set ytics nomirror out scale 0.6 ("100 %%" 1, "50 %%" 0.5, "20 %%" 0.2, "10 %%" 0.1, "5 %%" 0.05, "2 %%" 0.02, "1 %%" 0.01, "0.5 %%" 0.005, "0.2 %%" 0.002, "0.1 %%" 0.001) textcolor rgb INK
share_low = (share_least < 0.1 ? share_least : 0.1)*0.8
set xrange [x_from:1.06*x_to]; set yrange [share_low:1.05]
set logscale y
set label 1 "share of seeds that lose as much or more" at graph 0, graph 1 left offset -4,1.1 font FONT.",17" tc rgb INK
do for [k=1:2] {
    share = k == 1 ? 0.05 : 0.01
    level = k == 1 ? "VaR 95 %" : "VaR 99 %"
    if (share > share_least) { set arrow k from graph 0, first share to graph 1, first share nohead lc rgb stat_rgb[k == 1 ? 2 : 4] lw 1.2 dt (6,4) back }
    if (share > share_least) { set label 10+k level at graph 1, first share right offset 0,0.5 font FONT.":Italic,14" tc rgb stat_rgb[k == 1 ? 2 : 4] }
}
do for [p=1:end_count] {
    set label 20+p end_name[p] at end[p], end_share[p] left offset 0.4,0.4 noenhanced font FONT.":Bold,16" tc rgb ramp_at(p) front
    if (end_left[p]) { set label 20+p right offset -0.4,0.4 }
}
plot for [p=1:name_count] 'loss.tsv' index p+1 using 1:($3 > share_low ? $3 : share_low):4 with filledcurves fc rgb ramp_at(p) fs transparent solid 0.16 noborder, \
    for [p=1:name_count] '' index p+1 using 1:2 with lines lw 2.4 lc rgb ramp_at(p)
unset multiplot
set output
